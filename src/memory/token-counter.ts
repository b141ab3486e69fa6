import type { MessageDraft } from './message.ts'

/** Counts what messages cost in a prompt (design section 2). */
export interface TokenCounter {
  /**
   * The `tokens` of each message, in order: content, other parts and chat framing. Long messages are
   * counted off the event loop, so it never blocks for more than 20 ms whatever the text.
   */
  countMessages(encoding: string, drafts: readonly Pick<MessageDraft, 'role' | 'parts' | 'author'>[]): Promise<number[]>
  close(): Promise<void>
}
