/** What happened in a conversation: ids only, so that no log holds content. */
export type ConversationChange =
  | { type: 'MessageAppended'; messageId: string }
  | { type: 'MessageChanged'; messageId: string }
  | { type: 'ConversationChanged' }
  /** `newestId` is the newest message of the path that is active now, as far as is known. */
  | { type: 'BranchSelected'; messageId: string; newestId: string }
  | { type: 'ReplyBegan'; replyId: string }
  | { type: 'ReplyEnded'; replyId: string }
  | { type: 'ConversationDeleted' }

/** A change, or that some were lost: all up to `newestId`, where that is known. */
export type LoggedChange = ConversationChange | { type: 'ConversationReset'; newestId?: string }

/**
 * A change with its place; or a reset, when something was missed, whatever it was; or a heartbeat, when nothing
 * happened and only the cursor is new.
 */
export type ConversationEvent = (
  | ConversationChange
  | { type: 'ConversationReset' }
  | { type: 'ConversationHeartbeat' }
) & {
  /** Opaque; subscribing `after` it yields exactly what came next, or a reset when that is too old to know. */
  cursor: string
}

/** Bounds of what is kept for subscribers. */
export interface EventLimits {
  /** Events that a conversation's log keeps for those who resume. */
  logEvents: number
  /** Events that wait for a slow subscriber before a reset takes their place. */
  bufferEvents: number
  /** How often what was stored is compared with what was published. */
  pollMs: number
}

/** A conversation whose events may be followed. */
export interface FollowedConversation {
  id: string
  /** The id of the newest message of its active path, with the sequence 0 when there is none; may reject. */
  readNewestId(): Promise<string>
}

/** A conversation that is followed from now on. */
export interface SubscribedConversation extends FollowedConversation {
  /** What `readNewestId` returned before it is subscribed to. */
  newestId: string
}

/**
 * Carries what happened in a conversation to its subscribers on every node. Whatever is lost on the way,
 * be it that its node died between storing and publishing, is made good by a reset.
 */
export interface ConversationEvents {
  /** Publishes changes in order, behind those before; resolves when they are out, or owed. Never rejects. */
  publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void>
  /** For each conversation where `subscribe` goes on from now. Never rejects: while that is not known, a cursor that resumes to a reset. */
  readCursors(conversations: readonly FollowedConversation[]): Promise<string[]>
  /**
   * From now on, beginning with a heartbeat, or after a cursor; ends when the signal aborts or the conversation
   * is deleted. Never throws.
   */
  subscribe(
    conversation: SubscribedConversation,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<ConversationEvent>
  /** Erases the log of a deleted conversation. False: its store did not answer. Never rejects. */
  erase(conversationId: string): Promise<boolean>
  /** Publishes what waits, unless the store fails, and ends all streams. */
  close(): Promise<void>
}

/** A cursor of no place in any log: subscribing after it yields a reset. */
export const UNLOGGED_CURSOR = 'unlogged'
