import type { Branch, Conversation, ConversationChanges } from '../conversation.ts'
import type { Head, Message, MessagePart, Metadata } from '../message.ts'

/** A range of one branch by its token positions, newest first when read. */
export interface TokenRange {
  conversationId: string
  branch: string
  /** The lowest `tokenStart` wanted. */
  fromTokens: number
  /** Only messages whose `tokenStart` is below this; absent: up to the newest. */
  belowTokens?: number
  /** At most this many messages, the newest ones of the range. */
  limit: number
  /** Is told the characters of each message; what it throws ends the read. */
  room?: LengthRoom
}

/** Throws where what it is told is too much in all. */
export interface LengthRoom {
  take(length: number): void
}

/** A range of one branch by sequence, both ends exclusive. */
export interface SequenceRange {
  conversationId: string
  branch: string
  afterSequence: number
  beforeSequence: number
  limit: number
  /** Which end of the range is kept when there are more than `limit`. */
  from: 'OLDEST' | 'NEWEST'
  /** Characters: long messages are fewer than `limit`, one at least, and only about so many are read. Absent: without a bound. */
  maxLength?: number
}

/** The messages of a range by sequence, oldest first. */
export interface MessageRun {
  messages: Message[]
  /** Characters of what is stored of them. */
  length: number
  /** There are more, which would have been longer than `maxLength` together with these. */
  isShortened: boolean
}

/** A range of an owner's conversations, by (lastMessageAt, id). */
export interface ConversationRange {
  ownerId: string
  archived: boolean
  /** Exclusive bounds on the keyset; absent: open. `newer` bounds from above. */
  newer?: ConversationKey
  older?: ConversationKey
  limit: number
  /** Which end of the range is kept when there are more than `limit`. */
  from: 'NEWEST' | 'OLDEST'
}

/** Where a conversation stands in its owner's list. */
export interface ConversationKey {
  lastMessageAt: number
  id: string
}

/** How a batch is inserted. */
export interface InsertOptions {
  /** Called before every write but the first; false: the rest is not sent, and the outcome has no duplicate. */
  mayGoOn?: () => boolean
  /** Epoch milliseconds, for messages of a branch that is not listed yet: the sweep finds them by it. */
  unlistedSince?: number
}

/** A branch that may be listed or not. */
export interface UnlistedBranch {
  conversationId: string
  branch: string
}

/** How far an insert came: a prefix of the batch is stored. */
export interface InsertOutcome {
  /** How many of the batch were stored: always a prefix of it. */
  inserted: number
  /** The next one met a stored message: at its position, or with its `clientMessageId` or `replyId`. */
  duplicate: boolean
}

/** A change of the active branch, or of its epoch alone (protocol A3). */
export interface BranchSwitch {
  fromEpoch: number
  toEpoch: number
  /** Made active, and remembered as used with `toEpoch`; absent: the active one stays. */
  branch?: string
  /** Listed with the switch, and the hint of its head: the first messages of a new branch are stored before. */
  newBranch?: { branch: Branch; head: Head }
}

/** A conversation whose cached tail is to be dropped once more, and the messages that are to be redacted before. */
export interface DueDrop {
  conversationId: string
  ownerId: string
  messageIds: string[]
  /** Epoch milliseconds of the last change that made it due. */
  dropDue: number
}

/** A branch whose head is asked for, with what its hint says: the head is there or further on. */
export interface HeadHint {
  conversationId: string
  branch: string
  hint: Head
}

/** What a removal did. */
export interface RemovedCounts {
  messages: number
  replies: number
}

/** A conversation whose deletion waits for its last steps. */
export interface UnfinishedDeletion {
  conversationId: string
  ownerId: string
  /** Epoch milliseconds of the commit of the deletion. */
  deletedAt: number
}

/**
 * The durable store: append-only, one document a message. Every method takes at most two round trips
 * whatever the length of a conversation (a read of more than 1,000 messages one for each 1,000; what only a
 * sweep calls one for each step), and fails with HistoryUnavailableError, or with ConversationUnreadableError where what is stored cannot be what was
 * written; the list leaves such conversations out. Conversations that are deleted or past their `expiresAt` are
 * absent to every method but those that finish a deletion or a redaction; the methods on messages
 * name places, and their caller has found the conversation before.
 */
export interface History {
  /** Creates what is missing in the store (indexes, tables); safe to call on every start. */
  prepare(): Promise<void>
  /**
   * In the order asked; undefined for a missing and for a foreign one alike. One round trip. With `isStrong`
   * nothing that was acknowledged before is overlooked even where another server has taken over meanwhile.
   */
  findConversations(
    ownerId: string,
    ids: readonly string[],
    options?: { isStrong?: boolean },
  ): Promise<(Conversation | undefined)[]>
  findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined>
  /**
   * Stores it unless the owner has one with the same `externalId`: then that one is returned. Rejects with
   * ConversationIdTakenError where its id is in use.
   */
  createConversation(conversation: Conversation): Promise<{ conversation: Conversation; created: boolean }>
  /** The conversation as changed; undefined when it is missing or foreign. */
  updateConversation(ownerId: string, id: string, changes: ConversationChanges): Promise<Conversation | undefined>
  /**
   * Ordered by (lastMessageAt, id), newest first whichever end is kept. At most two queries, and two
   * more where conversations past their `expiresAt` left a page short.
   */
  listConversations(range: ConversationRange): Promise<Conversation[]>
  /** Raises the hint of a branch and `lastMessageAt`; never lowers either. */
  raiseHead(conversationId: string, branch: string, head: Head, lastMessageAt: number): Promise<void>
  /** The commit of a switch. False when the epoch is another one, or the conversation missing or foreign. */
  switchBranch(ownerId: string, id: string, change: BranchSwitch): Promise<boolean>

  /** Stores the batch in order and stops at the first duplicate. Durable when it returns. */
  insertMessages(messages: readonly Message[], options?: InsertOptions): Promise<InsertOutcome>
  /** Newest first. One query, bound on the whole index prefix and one range; SQLite reads it by several statements. */
  readTokenRange(range: TokenRange): Promise<Message[]>
  /** Oldest first whichever end is kept. One query; SQLite reads it by several statements. */
  readSequenceRange(range: SequenceRange): Promise<MessageRun>
  /** The heads of many branches, in the order asked. One query, and one more for each whose hint is behind. */
  readHeads(hints: readonly HeadHint[]): Promise<Head[]>
  /**
   * By the messages' ids, in the order asked. One query a branch, all at once. Rejects with QueryTooComplexError where
   * they have more than `maxLength` characters together.
   */
  findMessages(ids: readonly string[], maxLength?: number): Promise<(Message | undefined)[]>
  /** The stored messages with these keys (see idempotencyKey), in any order. One lookup a key, sixteen at once. */
  findByIdempotencyKeys(conversationId: string, keys: readonly string[]): Promise<Message[]>
  /** The message as changed; undefined when it is missing. Null removes the metadata. */
  updateMessageMetadata(id: string, metadata: Metadata | null): Promise<Message | undefined>
  /** Puts these parts in the place of what it said, with the status REDACTED; undefined when it is missing. */
  redactMessage(id: string, parts: readonly MessagePart[]): Promise<Message | undefined>

  /**
   * Sets `dropDue`, and remembers a message that is being redacted, if one is. False when the conversation is missing
   * or foreign.
   */
  markDropDue(ownerId: string, conversationId: string, dropDue: number, redactedId?: string): Promise<boolean>
  /** Conversations whose `dropDue` is before a time, the oldest first; at most `limit`. */
  findDueDrops(dueBefore: number, limit: number): Promise<DueDrop[]>
  /** Unsets `dropDue` and forgets the redacted messages, unless another change set it anew meanwhile. */
  settleDrop(conversationId: string, dropDue: number): Promise<void>

  /** Branches with messages that were stored unlisted before a time, whether they are listed by now or not. */
  findUnlistedBranches(storedBefore: number, limit: number): Promise<UnlistedBranch[]>
  /** Holds off the removal of an unlisted branch, unless it is on its way. */
  renewUnlistedBranch(conversationId: string, branch: string, unlistedSince: number): Promise<void>
  /**
   * Whether all messages of a branch from one sequence to another are there, and none of it is on its way out. Else it
   * must not be listed, nor one of them acknowledged.
   */
  isBranchWhole(conversationId: string, branch: string, first: number, last: number): Promise<boolean>
  /**
   * Removes the messages of a branch that nobody listed, after which nobody can, and returns how many. One that is
   * listed is kept, and not found as unlisted again.
   */
  removeUnlistedBranch(conversationId: string, branch: string): Promise<number>

  /** The commit of a deletion: from here on the conversation is absent. False when missing or foreign. */
  markDeleted(ownerId: string, id: string, deletedAt: number): Promise<boolean>
  /** Conversations that are past their `expiresAt` and not deleted, the oldest end first; at most `limit`. */
  findExpired(expiredAt: number, limit: number): Promise<Pick<UnfinishedDeletion, 'conversationId' | 'ownerId'>[]>
  /** The commit of the deletion of one that is past its end. False when it is not, or is deleted already. */
  markExpired(ownerId: string, id: string, deletedAt: number): Promise<boolean>
  /** Removes messages of a deleted conversation, at most `limit`, in as many steps as the store likes; idempotent. */
  removeMessages(conversationId: string, limit: number): Promise<Pick<RemovedCounts, 'messages'>>
  /** Removes the document of a deleted conversation; the last step of a deletion. */
  removeConversation(conversationId: string): Promise<void>
  /** Deletions committed before `deletedBefore` whose document is still there; at most `limit`. */
  findUnfinishedDeletions(deletedBefore: number, limit: number): Promise<UnfinishedDeletion[]>

  close(): Promise<void>
}
