import type { ReplyErrorCode, ReplyRejectionCode } from '../../errors.ts'
import type { FinishReason, MessageDraft, MessagePart, Usage } from '../message.ts'

/** How far a reply is (protocol part B); forward only. */
export type ReplyPhase = 'QUEUED' | 'RUN' | 'STOP' | 'SEALED' | 'ENDED'

/** Why a reply was stopped before its model was done. */
export type InterruptReason = 'CANCELLED' | 'SUPERSEDED' | 'DISCONNECTED' | 'SHUTDOWN' | 'NODE_LOST' | 'TIMEOUT'

/** How a reply ended; the first seal decides it for good. */
export type ReplyOutcome =
  | { type: 'COMPLETED'; finishReason: FinishReason }
  | { type: 'INTERRUPTED'; reason: InterruptReason }
  | { type: 'FAILED'; code: ReplyErrorCode; detail: string; retryable: boolean; retryAfterMs?: number }
  | { type: 'REJECTED'; code: ReplyRejectionCode; detail: string }

/** A reply as it is stored (protocol part B): its phase only moves forward. Times are epoch milliseconds. */
export interface ReplyRecord {
  id: string
  conversationId: string
  ownerId: string
  /** The client's id of the send, and of its question where it has one; one reply of an owner in a conversation, for ever. */
  clientMessageId: string
  /**
   * The question as it is to be stored, so that anyone can store it; its `clientMessageId` is the same.
   * Absent where the reply answers a message that is stored already, and where the end removed it.
   */
  question?: MessageDraft
  /** A digest of what the question says, which the end leaves: so that the same id with other content is refused. */
  questionDigest?: string
  /** The message whose place it takes: the question's, or without a question the reply's own. */
  replaces?: string
  phase: ReplyPhase
  /** Exactly in RUN, STOP and SEALED; one reply of a conversation at a time. */
  active: boolean
  /** Why it is to stop; set with the phase STOP. */
  stop?: InterruptReason
  /** Counts the renewals of the lease; it never repeats. */
  beat: number
  leaseUntil: number
  /** What the model was, or is to be, given: so that any node can read it again. */
  context: { maxTokens: number; anchor: number }
  /** Place in the queue; only while QUEUED. */
  place?: number
  /** The text so far, as of the last checkpoint; the whole text once sealed. `''` where the end removed it. */
  text: string
  /** Whole parts that are not text, set by the seal. `[]` where the end removed them. */
  parts: MessagePart[]
  outcome?: ReplyOutcome
  model: string
  usage?: Usage
  /** The id of the question, once it is stored. */
  questionId?: string
  /** The id of the reply's message, once it is stored. */
  messageId?: string
  startedAt: number
  endedAt?: number
}

/** What a conditional write may set; null removes a value. `bumpBeat` adds one to the beat, as does a write that leaves the phase. */
export interface ReplyChanges {
  phase?: ReplyPhase
  active?: boolean
  stop?: InterruptReason
  leaseUntil?: number
  place?: null
  question?: null
  text?: string | null
  parts?: MessagePart[] | null
  outcome?: ReplyOutcome
  model?: string
  usage?: Usage
  questionId?: string
  messageId?: string
  endedAt?: number
  bumpBeat?: true
}

/** What a redaction leaves of a reply; a digest of what was redacted is removed. */
export interface RedactedReply extends Partial<Pick<ReplyRecord, 'question' | 'text' | 'parts'>> {
  questionDigest?: null
}

/** What a running reply is renewed with, at the beat that its owner knows. */
export interface ReplyRenewal {
  id: string
  beat?: number
  changes: ReplyChanges
}

/**
 * The durable store of replies. Every look-up names the owner: a claim of a stranger, which is withdrawn
 * once the conversation is known to be another's, is never seen by the owner and never in its way. Every
 * conditional write filters by equality on the id, the phase and, where given, the beat; always changes
 * something; and is judged by what it changed. All fail with HistoryUnavailableError only.
 */
export interface ReplyRecords {
  prepare(): Promise<void>
  /** False: for its owner its clientMessageId is used, or another is active, or its place is taken. */
  insert(record: ReplyRecord): Promise<boolean>
  /** Undefined for a missing and for a foreign one alike. */
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** The same for many, in the order asked. One round trip. */
  findMany(ownerId: string, ids: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  findByClientMessageId(
    ownerId: string,
    conversationId: string,
    clientMessageId: string,
  ): Promise<ReplyRecord | undefined>
  findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** The active replies of many conversations, in the order asked. One round trip. */
  findActiveMany(ownerId: string, conversationIds: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  /** The reply of a conversation that was begun last. */
  findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** The same for many, in the order asked. One look-up a conversation, sixteen at once. */
  findNewestMany(ownerId: string, conversationIds: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  /** Lowest place first; at most `limit`. */
  findQueued(ownerId: string, conversationId: string, limit: number): Promise<ReplyRecord[]>
  /** Whether it was in that phase (and at that beat) and is now changed. */
  change(id: string, from: { phase: ReplyPhase; beat?: number }, changes: ReplyChanges): Promise<boolean>
  /** The same for many in phase RUN, in one write: whether all were and are now changed. False: some may be. */
  renew(renewals: readonly ReplyRenewal[]): Promise<boolean>
  /** Active ones of all owners whose lease ended before; at most `limit`, the oldest lease first. */
  findLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]>
  /** The same for those that wait in a queue. */
  findQueuedLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]>
  /** Puts this in the place of what the reply holds, in whatever phase it is. */
  redact(id: string, content: RedactedReply): Promise<void>
  /** Takes back a claim that never ran (phase RUN, or STOP by now, beat 0): as if it had not been inserted. */
  withdraw(id: string): Promise<void>
  /** Takes one that waits out of the queue, as if it had not been inserted; false where it waits no more, or its beat is another. */
  withdrawQueued(id: string, beat: number): Promise<boolean>
  /** Ids of replies of a conversation, whoever's, in any order; at most `limit`. */
  findIds(conversationId: string, limit: number): Promise<string[]>
  /** Removes these replies of a conversation, in as many steps as the store likes; returns how many were there. */
  remove(conversationId: string, ids: readonly string[]): Promise<number>
}
