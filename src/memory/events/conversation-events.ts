/** What happened in a conversation: ids only, so that no log holds content. */
export type ConversationChange =
  | { type: 'MessageAppended'; messageId: string }
  | { type: 'MessageChanged'; messageId: string }
  | { type: 'ConversationChanged' }
  | { type: 'BranchSelected'; messageId: string }
  | { type: 'ReplyBegan'; replyId: string }
  | { type: 'ReplyEnded'; replyId: string }
  | { type: 'ConversationDeleted' }

/** A change with its place, or a reset: something was missed, whatever it was. */
export type ConversationEvent = (ConversationChange | { type: 'ConversationReset' }) & {
  /** Opaque; subscribing `after` it yields exactly what came next, or a reset when that is too old to know. */
  cursor: string
}

/** Bounds of what is kept for subscribers. */
export interface EventLimits {
  /** Events that a conversation's log keeps for those who resume. */
  logEvents: number
  /** Events that wait for a slow subscriber before a reset takes their place. */
  bufferEvents: number
}

/** Carries what happened in a conversation to its subscribers on every node. */
export interface ConversationEvents {
  /** Publishes changes in order. Never rejects and never waits for a store longer than its command timeout. */
  publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void>
  /** From now on, or after a cursor; ends when the signal aborts or the conversation is deleted. Never throws. */
  subscribe(conversationId: string, after: string | undefined, signal: AbortSignal): AsyncIterable<ConversationEvent>
  /** Erases the log of a deleted conversation. False: its store did not answer. Never rejects. */
  erase(conversationId: string): Promise<boolean>
  /** Ends all streams. */
  close(): Promise<void>
}
