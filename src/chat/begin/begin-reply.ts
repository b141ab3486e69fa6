import { HistoryUnavailableError } from '../../errors.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import { createReplyId } from '../../memory/ids.ts'
import type { MessageDraft } from '../../memory/message.ts'
import type { ReplyStopper } from '../end/reply-stopper.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import { untilTrue } from '../follow/reply-view.ts'
import type { OpenReply, ReplyViews } from '../follow/reply-views.ts'
import type { PromptOptions } from '../run/reply-prompt.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import { claimReply, digestQuestion, type ReplyClaimDeps } from './reply-claim.ts'
import { busy, isWithdrawn, SHUTTING_DOWN, unavailable } from './reply-rejections.ts'

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

/** What beginning a reply is made of: the claim's dependencies, and what runs, shows and stops replies here. */
export interface BeginReplyDeps extends ReplyClaimDeps {
  runs: ReplyRuns
  views: ReplyViews
  stopper: ReplyStopper
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
    if (error instanceof HistoryUnavailableError) return unavailable(error)
    throw error
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
