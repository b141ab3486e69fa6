/** What happened in a conversation: ids only, so that no log holds content. */
export type ConversationChange =
  | { type: 'MessageAppended'; messageId: string }
  | { type: 'MessageChanged'; messageId: string }
  | { type: 'ConversationChanged' }
  | { type: 'BranchSelected'; messageId: string }
  | { type: 'ReplyBegan'; replyId: string }
  | { type: 'ReplyEnded'; replyId: string }
  | { type: 'ConversationDeleted' }

export type ConversationEvent = (ConversationChange | { type: 'ConversationReset' }) & {
  /** Opaque; subscribing `after` it yields exactly what came next, or a reset when that is too old to know. */
  cursor: string
}

/** Tells every subscriber of a conversation, on every node, what happened in it. */
export interface ConversationEvents {
  /** Never rejects and never waits for a store longer than its command timeout. */
  publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void>
  /** From now on, or after a cursor; ends when the signal aborts or the conversation is deleted. */
  subscribe(conversationId: string, after: string | undefined, signal: AbortSignal): AsyncIterable<ConversationEvent>
  close(): Promise<void>
}
