import { createHash } from 'node:crypto'
import { BadUserInputError, NotFoundError } from '../../errors.ts'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import { createReplyId } from '../../memory/ids.ts'
import { canonicalJson } from '../../memory/input/canonical-json.ts'
import type { Memory } from '../../memory/memory.ts'
import type { MessageDraft } from '../../memory/message.ts'
import type { PromptPath } from '../../memory/read/prompt-reader.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyStopper } from '../end/reply-stopper.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import { untilTrue } from '../follow/reply-view.ts'
import type { OpenReply, ReplyViews } from '../follow/reply-views.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { type PromptOptions, readPromptPath } from '../run/reply-prompt.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import { busy, isWithdrawn, rejectionOf, SHUTTING_DOWN } from './reply-rejections.ts'
import { withdrawUntilAnswered } from './withdraw-until-answered.ts'

/** What a send does while another reply of its conversation is active. */
export type BusyPolicy = 'REJECT' | 'SUPERSEDE' | 'QUEUE'
/** What becomes of a reply when the subscriber that asked for it goes away. */
export type DisconnectPolicy = 'CONTINUE' | 'CANCEL'

/** What a send asks for, checked. */
export interface NewReply extends PromptOptions {
  conversationId: string
  clientMessageId: string
  /** Under the same client id; absent: the reply answers the message before the one it replaces, or the newest. */
  question?: MessageDraft
  /** The message whose place the question takes, or without one the reply. */
  replaces?: string
  onBusy: BusyPolicy
  onDisconnect: DisconnectPolicy
}

/** What beginning a reply is made of. */
export interface BeginReplyDeps {
  records: ReplyRecords
  memory: Pick<Memory, 'findConversations' | 'readPrompt'>
  finisher: ReplyFinisher
  log: Pick<ReplyLog, 'notify'>
  runs: ReplyRuns
  views: ReplyViews
  stopper: ReplyStopper
  /** Epoch milliseconds. */
  now: () => number
}

/**
 * Begins a reply, or joins the one that the same question began; what is in the way is answered as
 * `onBusy` says (protocol B1, B6 and B7).
 */
export async function beginReply(
  deps: BeginReplyDeps,
  limits: { leaseMs: number },
  ownerId: string,
  input: NewReply,
): Promise<OpenReply | ReplyRejection> {
  try {
    return await claimOrJoin(deps, limits, ownerId, input)
  } catch (error) {
    const rejection = rejectionOf(error)
    if (rejection === undefined) throw error
    return rejection
  }
}

async function claimOrJoin(
  deps: BeginReplyDeps,
  { leaseMs }: { leaseMs: number },
  ownerId: string,
  input: NewReply,
): Promise<OpenReply | ReplyRejection> {
  const { runs, views, stopper, now } = deps
  for (let isStored = false; ; ) {
    if (runs.isClosing) return SHUTTING_DOWN
    const record = newRecord(ownerId, input, now(), leaseMs)
    if (!isStored && input.onBusy === 'QUEUE' && (await othersWait(deps, record))) {
      const queued = await enqueue(deps, record, input)
      if (queued !== undefined) return queued
      // The question was sent before: what its id began is found by a claim.
      isStored = true
    }
    const claim = await claimReply(deps, record)
    if (claim.type === 'REFUSED') return claim.rejection
    if (claim.type === 'JOINED') {
      const joined = await join(deps, claim.record)
      if (joined !== undefined) return joined
      continue
    }
    if (claim.type === 'CLAIMED') {
      runs.start(record, input, claim.path)
      return views.open(record)
    }
    if (input.onBusy === 'REJECT') return busy(claim.active)
    if (input.onBusy === 'SUPERSEDE') {
      if (!(await stopper.supersede(claim.active))) return busy(claim.active)
    } else {
      const queued = await enqueue(deps, record, input)
      if (queued !== undefined) return queued
    }
  }
}

/** Undefined: it was withdrawn before it ran, so claim again, and be refused for the same or go on in its place. */
async function join({ runs, views }: BeginReplyDeps, record: ReplyRecord): Promise<OpenReply | undefined> {
  const isUncertain = (record.phase === 'RUN' || record.phase === 'STOP') && record.beat === 0
  const isCertain = !isUncertain || runs.find(record.id) !== undefined
  const opened = views.open(record)
  const { view } = opened
  // Until then there is nothing to stream anyway.
  if (!isCertain) await untilTrue(view, () => Boolean(view.start ?? view.ending))
  if (isCertain || !isWithdrawn(view.ending)) return opened
  opened.release()
  return undefined
}

async function enqueue(
  { runs, views }: BeginReplyDeps,
  record: ReplyRecord,
  input: NewReply,
): Promise<OpenReply | ReplyRejection | undefined> {
  const queued = await runs.enqueue(record, input)
  return queued === undefined || 'type' in queued ? queued : views.open(queued)
}

/** Whether others of this owner wait, whom a newcomer must not pass. */
async function othersWait({ records }: BeginReplyDeps, { conversationId, ownerId }: ReplyRecord): Promise<boolean> {
  return (await records.findQueued(ownerId, conversationId, 1)).length > 0
}

function newRecord(ownerId: string, input: NewReply, now: number, leaseMs: number): ReplyRecord {
  const { conversationId, clientMessageId, question, replaces, maxTokens, anchor, model } = input
  return {
    id: createReplyId(conversationId),
    conversationId,
    ownerId,
    clientMessageId,
    ...(question && { question }),
    questionDigest: digestQuestion(input),
    ...(replaces !== undefined && { replaces }),
    context: { maxTokens, anchor },
    phase: 'RUN',
    active: true,
    beat: 0,
    leaseUntil: now + leaseMs,
    text: '',
    parts: [],
    model: model ?? '',
    startedAt: now,
  }
}

/** What an attempt to begin a reply met. */
type Claim =
  /** The conversation is ours; `path` was read in the same round trip. */
  | { type: 'CLAIMED'; path: PromptPath }
  /** The same question was sent before: that reply is the answer. */
  | { type: 'JOINED'; record: ReplyRecord }
  | { type: 'BUSY'; active: ReplyRecord }
  | { type: 'REFUSED'; rejection: ReplyRejection }

/**
 * Claims a conversation by inserting the reply's record (protocol B1), and reads what its prompt
 * continues at the same time. What a dead node left is ended on the way. Rejects with HistoryUnavailableError
 * where it is not known whether the record is there, and with what made the prompt impossible; it is withdrawn then.
 */
async function claimReply(deps: BeginReplyDeps, record: ReplyRecord): Promise<Claim> {
  const { records, memory } = deps
  const { ownerId, conversationId, clientMessageId } = record
  for (;;) {
    const [insert, path] = await Promise.all([
      records.insert(record).then(
        (isInserted) => ({ isInserted }),
        (error: unknown) => ({ error }),
      ),
      readPromptPath(memory, record).catch((error: unknown) => error),
    ])
    if ('error' in insert) {
      void withdrawUntilAnswered(deps, record, () => records.withdraw(record.id))
      throw insert.error
    }
    const { isInserted } = insert
    const fault = path instanceof Error ? path : undefined
    // Missing, foreign, out of reach, or nothing to answer: the claim must not block others.
    if (fault && isInserted) await withdraw(deps, record)
    // What could be answered when it was sent first may be answered by now.
    if (fault && (isInserted || !(fault instanceof BadUserInputError))) throw fault
    if (isInserted) return { type: 'CLAIMED', path: path as PromptPath }
    const same = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
    if (same === undefined && fault) throw fault
    if (same !== undefined) return (await joinable(deps, same, record)) ? { type: 'JOINED', record: same } : CONFLICT
    const active = await records.findActive(ownerId, conversationId)
    if (active !== undefined && !(await isEndedByUs(deps, active))) return { type: 'BUSY', active }
  }
}

/** Whether the claim in the way was one to end: sealed, or of a lost node. */
async function isEndedByUs({ finisher }: BeginReplyDeps, active: ReplyRecord): Promise<boolean> {
  if (active.phase !== 'SEALED') return finisher.takeOver(active)
  await finisher.finish(active)
  return true
}

async function withdraw(deps: BeginReplyDeps, record: ReplyRecord): Promise<void> {
  const { records, log } = deps
  try {
    await records.withdraw(record.id)
    // Who joined it, or waits for its end, goes on.
    log.notify(record.id)
  } catch {
    void withdrawUntilAnswered(deps, record, () => records.withdraw(record.id))
  }
}

/** What a question says, and in whose place, as the end of its reply leaves it. */
function digestQuestion({ replaces, question }: Pick<ReplyRecord, 'replaces' | 'question'>): string {
  const content = { replaces, role: question?.role, parts: question?.parts, author: question?.author }
  return createHash('sha256').update(canonicalJson(content)).digest('base64url')
}

/** Whether the same was asked. Rejects with NotFoundError where the conversation is absent: a cached path may not show that. */
async function joinable({ memory }: BeginReplyDeps, stored: ReplyRecord, sent: ReplyRecord): Promise<boolean> {
  const { ownerId, conversationId } = sent
  const [conversation] = await memory.findConversations(ownerId, [conversationId])
  if (conversation === undefined) throw new NotFoundError('conversation', conversationId)
  return asksTheSame(stored, sent)
}

/** A redaction removes the digest, by which a short text could be guessed: then every content is the same. */
function asksTheSame(stored: ReplyRecord, sent: ReplyRecord): boolean {
  return stored.questionDigest === undefined || stored.questionDigest === sent.questionDigest
}

const CONFLICT: Claim = {
  type: 'REFUSED',
  rejection: {
    type: 'ReplyRejected',
    code: 'CLIENT_MESSAGE_ID_CONFLICT',
    detail: 'clientMessageId is used by another question of this conversation.',
  },
}
