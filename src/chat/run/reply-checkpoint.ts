import type { ReplyChanges } from '../../memory/history/reply-record.ts'
import type { MessagePart } from '../../memory/message.ts'

/** What the renewals of a run's lease save (protocol B3). */
export interface ReplyCheckpoint {
  /** The text and the parts, and, until it is saved, what a finisher elsewhere would lack. */
  state(): Promise<ReplyChanges>
  /** Whether that is more than is saved. */
  hasNews(): boolean
  /** The state that was asked for last is saved. */
  onSaved(): void
}

/** The run as its renewals see it. */
export interface ReplyCheckpointDeps {
  content: { readonly text: string; readonly reasoning: string; readonly parts: readonly MessagePart[] }
  /** What does not change any more, and is saved once. */
  facts(): Promise<ReplyChanges>
}

/** What is to be saved of one run, and how much of it is. */
export function createReplyCheckpoint({ content, facts }: ReplyCheckpointDeps): ReplyCheckpoint {
  let areFactsSaved = false
  let sent = { length: 0, reasoningLength: 0, partCount: 0 }
  let saved = sent

  async function state(): Promise<ReplyChanges> {
    const { text, reasoning, parts } = content
    sent = { length: text.length, reasoningLength: reasoning.length, partCount: parts.length }
    // Parts come seldom and are saved once, but for thoughts, which grow.
    const hasNew = parts.length > saved.partCount || reasoning.length > saved.reasoningLength
    const newParts = hasNew && { parts: [...parts] }
    return { text, ...newParts, ...(!areFactsSaved && (await facts())) }
  }

  function hasNews(): boolean {
    const { text, reasoning, parts } = content
    const hasText = text.length > saved.length || reasoning.length > saved.reasoningLength
    return !areFactsSaved || hasText || parts.length > saved.partCount
  }

  function onSaved(): void {
    areFactsSaved = true
    saved = sent
  }

  return { state, hasNews, onSaved }
}
