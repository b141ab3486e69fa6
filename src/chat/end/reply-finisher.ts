import { LRUCache } from 'lru-cache'
import {
  BadUserInputError,
  ClientMessageIdConflictError,
  HistoryUnavailableError,
  NotFoundError,
} from '../../errors.ts'
import type { AppendTarget } from '../../memory/append/appender.ts'
import type { ReplyChanges, ReplyOutcome, ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import { placeOf } from '../../memory/ids.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message, MessageDraft } from '../../memory/message.ts'
import type { TokenCounter } from '../../memory/tokens/token-counter.ts'
import type { FaultHooks } from '../fault-series.ts'
import type { ReplyEnding } from '../follow/reply-event.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { estimateAgain } from '../run/usage-estimate.ts'
import { NOTHING_SAID, type ReplySaid, replyDraft, saidBy } from './reply-message.ts'

/** A lease is over only so long after its end: the clocks of nodes differ. */
const CLOCK_LEEWAY_MS = 2_000
const REFUSALS = [NotFoundError, ClientMessageIdConflictError, BadUserInputError]
/** A fault that is not the store's absence, met so often, counts as a refusal. */
const MOST_FAULTS = 3
/** Replies whose faults are counted at a time. */
const FAULTY_REPLIES = 1_000

/** What ending a reply is made with. */
export interface ReplyFinisherDeps extends FaultHooks {
  records: ReplyRecords
  memory: Pick<Memory, 'appendDrafts' | 'findConversations' | 'findMessages' | 'publish'>
  counter: TokenCounter
  log: Pick<ReplyLog, 'notify'>
  /** Epoch milliseconds. */
  now: () => number
}

/** The end of replies by protocol B4 and B5. Whoever meets one may call it: nothing happens twice. */
export interface ReplyFinisher {
  /**
   * Seals a reply whose node is gone, or removes it where it waited in a queue: it never ran, and its id may be
   * sent again. False when its lease still holds or another was quicker.
   */
  takeOver(record: ReplyRecord): Promise<boolean>
  /** From SEALED to ENDED: stores what is missing, then frees the conversation. */
  finish(sealed: ReplyRecord): Promise<ReplyRecord>
  /** How every stream of an ended reply ends, with all that it said. */
  readEnd(ended: ReplyRecord): Promise<ReplyEnd>
}

/** The event that ends every stream of a reply, and what it said by then. */
export interface ReplyEnd extends ReplySaid {
  ending: ReplyEnding
}

/** A finisher on the given records; any number of them may meet the same reply. */
export function createReplyFinisher(deps: ReplyFinisherDeps): ReplyFinisher {
  const { records, memory, counter, log, now, onFault } = deps
  const faults = new LRUCache<string, number>({ max: FAULTY_REPLIES })

  async function store(
    { ownerId, conversationId }: ReplyRecord,
    draft: MessageDraft,
    target: AppendTarget,
  ): Promise<string | undefined> {
    const { messages } = await memory.appendDrafts(ownerId, conversationId, [draft], target)
    return messages[0]?.id
  }

  /** What a fault that is met again and again leaves to be done, so that it does not hold the conversation for ever. */
  async function storeOrRefuse(record: ReplyRecord): Promise<StoredReply> {
    try {
      return await storeMessages(record)
    } catch (error) {
      const count = (faults.get(record.id) ?? 0) + 1
      if (error instanceof HistoryUnavailableError) throw error
      faults.set(record.id, count)
      if (count < MOST_FAULTS) throw error
      onFault(record.id, error)
      return record.outcome?.type === 'COMPLETED' ? { outcome: NOT_STORED } : {}
    }
  }

  /** The question if the reply's node died before it stored it, then the message. */
  async function storeMessages(record: ReplyRecord): Promise<StoredReply> {
    if (record.outcome?.type === 'REJECTED') return {}
    const { question, replaces } = record
    // A node that died had not looked at what it is to replace.
    const role = question ? ('USER' as const) : ('ASSISTANT' as const)
    const inPlace = replaces === undefined ? {} : { replaces, role }
    try {
      const questionId = record.questionId ?? (question && (await store(record, question, inPlace)))
      const target = question || replaces === undefined ? behind(questionId) : inPlace
      const draft = replyDraft({ ...record, ...(await usageOf(record)) }, questionId, now())
      const messageId = draft && (await store(record, draft, target))
      return { ...(questionId && { questionId }), ...(messageId && { messageId }) }
    } catch (error) {
      // Another version took the conversation's last branch meanwhile: what was said is left in the reply's text.
      if (error instanceof BadUserInputError && record.outcome?.type === 'COMPLETED')
        return { outcome: unstored(error) }
      if (error instanceof NotFoundError && (await isAbsent(record))) return { outcome: CONVERSATION_GONE }
      // The question or a branch was refused for good: there is nothing to store it in.
      if (REFUSALS.some((refusal) => error instanceof refusal)) return {}
      throw error
    }
  }

  /** Whether the conversation is deleted or expired. */
  async function isAbsent({ ownerId, conversationId }: ReplyRecord): Promise<boolean> {
    return (await memory.findConversations(ownerId, [conversationId]))[0] === undefined
  }

  /** Of a reply that was taken over, the estimate knows nothing of what its node said before it was lost. */
  async function usageOf({ outcome, usage, text }: ReplyRecord): Promise<Pick<ReplyRecord, 'usage'>> {
    const isCut = outcome?.type === 'INTERRUPTED' && usage?.estimated === true && usage.completionTokens === 0
    // A reply ends also where its cost cannot be counted.
    const counted = isCut ? await estimateAgain(counter, usage, text).catch(() => undefined) : undefined
    return counted ? { usage: counted } : {}
  }

  async function takeOver({ id, phase, beat, leaseUntil, stop }: ReplyRecord): Promise<boolean> {
    if (leaseUntil + CLOCK_LEEWAY_MS >= now()) return false
    if (phase === 'QUEUED') {
      const isGone = await records.withdrawQueued(id, beat)
      if (isGone) log.notify(id)
      return isGone
    }
    if (phase !== 'RUN' && phase !== 'STOP') return false
    // The text stays as it is: the last checkpoint.
    const outcome: ReplyOutcome = { type: 'INTERRUPTED', reason: stop ?? 'NODE_LOST' }
    return records.change(id, { phase, beat }, { phase: 'SEALED', outcome })
  }

  async function finish(sealed: ReplyRecord): Promise<ReplyRecord> {
    if (sealed.phase !== 'SEALED') return sealed
    const stored = await storeOrRefuse(sealed)
    const end = { phase: 'ENDED' as const, active: false, endedAt: now(), ...stored }
    const isGone = stored.outcome === CONVERSATION_GONE
    // What the messages hold is not kept a second time, and of what is deleted nothing.
    const isErased = isGone || stored.messageId !== undefined
    const removed = { question: null, ...(isErased && { text: null, parts: null }) }
    if (await records.change(sealed.id, { phase: 'SEALED' }, { ...end, ...removed })) {
      memory.publish(sealed.conversationId, [{ type: 'ReplyEnded', replyId: sealed.id }])
      return { ...sealed, ...end, ...(isGone && { text: '', parts: [] }) }
    }
    return (await records.find(sealed.ownerId, sealed.id)) ?? { ...sealed, ...end }
  }

  async function readEnd(ended: ReplyRecord): Promise<ReplyEnd> {
    const [message] = ended.messageId === undefined ? [] : await memory.findMessages(ended.ownerId, [ended.messageId])
    // Deleted since the record was read.
    if (ended.messageId !== undefined && message === undefined) return { ...NOTHING_SAID, ending: GONE }
    return { ending: endingWith(ended.outcome, message), ...saidBy(ended, message) }
  }

  return { takeOver, finish, readEnd }
}

function unstored({ code, message }: BadUserInputError): ReplyOutcome {
  return { type: 'FAILED', code, detail: `The answer was not stored: ${message}`, retryable: false }
}

/** On the branch of the question, whichever is active by now. */
function behind(questionId: string | undefined): AppendTarget {
  const place = questionId === undefined ? undefined : placeOf(questionId)
  return place ? { branch: place.branch } : {}
}

function endingWith(outcome: ReplyOutcome | undefined, message: Message | undefined): ReplyEnding {
  if (outcome?.type === 'COMPLETED' && message !== undefined) return { type: 'ReplyCompleted', message }
  if (outcome?.type === 'REJECTED') return { type: 'ReplyRejected', code: outcome.code, detail: outcome.detail }
  const partial = message && { partial: message }
  if (outcome?.type === 'INTERRUPTED') return { type: 'ReplyInterrupted', reason: outcome.reason, ...partial }
  // The name of no other failure: see CONVERSATION_GONE.
  if (outcome?.type === 'FAILED' && outcome.code === 'NOT_FOUND') return GONE
  if (outcome?.type === 'FAILED') return { ...outcome, type: 'ReplyFailed', ...partial }
  return GONE
}

/** What a reply's end stored, or could not. */
type StoredReply = Pick<ReplyChanges, 'questionId' | 'messageId' | 'outcome'>

const NOT_STORED: ReplyOutcome = {
  type: 'FAILED',
  code: 'INTERNAL',
  detail: 'The answer could not be stored; the fault was logged.',
  retryable: false,
}

/** The outcome of a reply whose conversation was deleted, or expired, before its message was stored. */
const CONVERSATION_GONE = {
  type: 'FAILED',
  code: 'NOT_FOUND',
  detail: 'The conversation was deleted.',
  retryable: false,
} as const satisfies ReplyOutcome

/** The end of a reply whose conversation was deleted, or expired, while it was streamed. */
export const GONE: ReplyEnding = { ...CONVERSATION_GONE, type: 'ReplyFailed' }
