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
  | { type: 'FAILED'; code: ReplyErrorCode; detail: string; retryable: boolean }
  | { type: 'REJECTED'; code: ReplyRejectionCode; detail: string }

/** A reply as it is stored (protocol part B): its phase only moves forward. Times are epoch milliseconds. */
export interface ReplyRecord {
  id: string
  conversationId: string
  ownerId: string
  /** The client's id of the send, and of its question where it has one; unique in its conversation, for ever. */
  clientMessageId: string
  /**
   * The question as it is to be stored, so that anyone can store it; its `clientMessageId` is the same.
   * Absent where the reply answers a message that is stored already.
   */
  question?: MessageDraft
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
  /** What the model was, or is to be, given: so that any node can tell it again. */
  context: { maxTokens: number; anchor: number }
  /** Place in the queue; only while QUEUED. */
  place?: number
  /** The text so far, as of the last checkpoint; the whole text once sealed. */
  text: string
  /** Whole parts that are not text, set by the seal. */
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
  text?: string
  parts?: MessagePart[]
  outcome?: ReplyOutcome
  model?: string
  usage?: Usage
  questionId?: string
  messageId?: string
  endedAt?: number
  bumpBeat?: true
}

/** What a running reply is renewed with. */
export interface ReplyRenewal {
  id: string
  changes: ReplyChanges
}

/**
 * The durable store of replies. Every conditional write filters by equality on the id, the phase and,
 * where given, the beat; always changes something; and is judged by what it changed. All fail with
 * HistoryUnavailableError only.
 */
export interface ReplyRecords {
  prepare(): Promise<void>
  /** False: its clientMessageId is used, or another is active, or its place is taken. */
  insert(record: ReplyRecord): Promise<boolean>
  find(id: string): Promise<ReplyRecord | undefined>
  findByClientMessageId(conversationId: string, clientMessageId: string): Promise<ReplyRecord | undefined>
  findActive(conversationId: string): Promise<ReplyRecord | undefined>
  /** The reply of a conversation that was begun last. */
  findNewest(conversationId: string): Promise<ReplyRecord | undefined>
  /** Lowest place first; at most `limit`. */
  findQueued(conversationId: string, limit: number): Promise<ReplyRecord[]>
  /** Whether it was in that phase (and at that beat) and is now changed. */
  change(id: string, from: { phase: ReplyPhase; beat?: number }, changes: ReplyChanges): Promise<boolean>
  /** The same for many in phase RUN, in one write: whether all were and are now changed. False: some may be. */
  renew(renewals: readonly ReplyRenewal[]): Promise<boolean>
  /** Active ones whose lease ended before; at most `limit`. */
  findLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]>
  /** Puts this in the place of what the reply holds, in whatever phase it is. */
  redact(id: string, content: Partial<Pick<ReplyRecord, 'question' | 'text' | 'parts'>>): Promise<void>
  /** Takes back a claim that never ran (phase RUN, or STOP by now, beat 0): as if it had not been inserted. */
  withdraw(id: string): Promise<void>
  /** Removes replies of a conversation, at most `limit`; returns how many. */
  remove(conversationId: string, limit: number): Promise<number>
}
