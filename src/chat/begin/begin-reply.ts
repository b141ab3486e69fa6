import { HistoryUnavailableError } from '../../errors.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import { createReplyId } from '../../memory/ids.ts'
import { GONE } from '../end/reply-finisher.ts'
import type { ReplyStopper } from '../end/reply-stopper.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import { untilTrue } from '../follow/reply-view.ts'
import type { OpenReply, ReplyViews } from '../follow/reply-views.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import type { NewReply } from './new-reply.ts'
import { claimReply, type ReplyClaimParts } from './reply-claim.ts'
import { busy, SHUTTING_DOWN, unavailable } from './reply-rejections.ts'

/** What beginning a reply needs: the claim's parts, and what runs, shows and stops replies here. */
export interface BeginReplyParts extends ReplyClaimParts {
  runs: ReplyRuns
  views: ReplyViews
  stopper: ReplyStopper
  now: () => number
}

/**
 * Begins a reply, or joins the one that the same question began; what is in the way is answered as
 * `onBusy` says (protocol B1, B6 and B7).
 */
export async function beginReply(
  parts: BeginReplyParts,
  limits: { leaseMs: number },
  ownerId: string,
  input: NewReply,
): Promise<OpenReply | ReplyRejection> {
  try {
    return await claimOrJoin(parts, limits, ownerId, input)
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return unavailable(error)
    throw error
  }
}

async function claimOrJoin(
  parts: BeginReplyParts,
  { leaseMs }: { leaseMs: number },
  ownerId: string,
  input: NewReply,
): Promise<OpenReply | ReplyRejection> {
  const { runs, views, stopper, now } = parts
  for (let isStored = false; ; ) {
    if (runs.isClosing) return SHUTTING_DOWN
    const record = newRecord(ownerId, input, now(), leaseMs)
    if (!isStored && input.onBusy === 'QUEUE' && (await othersWait(parts, record))) {
      const queued = await enqueue(parts, record, input)
      if (queued !== undefined) return queued
      // The question was sent before: what its id began is found by a claim.
      isStored = true
    }
    const claim = await claimReply(parts, record)
    if (claim.type === 'REFUSED') return claim.rejection
    if (claim.type === 'JOINED') {
      const joined = await join(parts, claim.record)
      if (joined !== undefined) return joined
      continue
    }
    if (claim.type === 'CLAIMED') {
      runs.start(record, input, claim.turn)
      return views.open(record)
    }
    if (input.onBusy === 'REJECT') return busy(claim.active)
    if (input.onBusy === 'SUPERSEDE') {
      if (!(await stopper.supersede(claim.active))) return busy(claim.active)
    } else {
      const queued = await enqueue(parts, record, input)
      if (queued !== undefined) return queued
    }
  }
}

/** Undefined: it was taken back before it ran, so claim again, and be refused for the same or go on in its place. */
async function join({ runs, views }: BeginReplyParts, record: ReplyRecord): Promise<OpenReply | undefined> {
  const isCertain = record.phase !== 'RUN' || record.beat > 0 || runs.find(record.id) !== undefined
  const opened = views.open(record)
  const { view } = opened
  // Until then there is nothing to tell anyway.
  if (!isCertain) await untilTrue(view, () => Boolean(view.start ?? view.ending))
  if (isCertain || view.ending !== GONE) return opened
  opened.release()
  return undefined
}

async function enqueue(
  { runs, views }: BeginReplyParts,
  record: ReplyRecord,
  input: NewReply,
): Promise<OpenReply | ReplyRejection | undefined> {
  const queued = await runs.enqueue(record, input)
  return queued === undefined || 'type' in queued ? queued : views.open(queued)
}

/** Whether others of this owner wait, whom a newcomer must not pass; they have shown whose the conversation is. */
async function othersWait({ records }: BeginReplyParts, { conversationId, ownerId }: ReplyRecord): Promise<boolean> {
  const [first] = await records.findQueued(conversationId, 1)
  return first?.ownerId === ownerId
}

function newRecord(ownerId: string, input: NewReply, now: number, leaseMs: number): ReplyRecord {
  const { conversationId, clientMessageId, question, replaces, maxTokens, anchor, model } = input
  return {
    id: createReplyId(conversationId),
    conversationId,
    ownerId,
    clientMessageId,
    ...(question && { question }),
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
