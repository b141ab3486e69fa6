import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import { SHUTTING_DOWN } from './reply-rejections.ts'

/** What the queue is made of. */
export interface ReplyQueueDeps {
  records: ReplyRecords
  finisher: ReplyFinisher
  now: () => number
  /** Until it is worth polling again: the active reply ended here, or some time has passed. */
  pause: (conversationId: string) => Promise<void>
  onFault: (replyId: string, error: unknown) => void
}

/** How many wait in one conversation, and how long a place is held without a sign of life. */
export interface ReplyQueueLimits {
  queueLimit: number
  leaseMs: number
}

/** What became of a place in the queue. */
export type QueueExit = { type: 'PROMOTED'; record: ReplyRecord } | { type: 'ENDED' }

/** The places of those who wait in a conversation. */
export interface ReplyQueue {
  /** Takes the next place, or says why not. False: the question's id was used meanwhile, so claim again. */
  enter(record: ReplyRecord): Promise<ReplyRecord | ReplyRejection | undefined>
  /** Waits until it is first; the view shows each move. */
  wait(queued: ReplyRecord, view: ReplyViewControl, isClosing: () => boolean): Promise<QueueExit>
}

/** The queue of a conversation, by protocol B7: places in order, and the lowest living one promotes itself. */
export function createReplyQueue(
  { records, finisher, now, pause, onFault }: ReplyQueueDeps,
  { queueLimit, leaseMs }: ReplyQueueLimits,
): ReplyQueue {
  /** Ends the dead in front of a place; true when nobody living is left there. */
  async function isFirst(queued: readonly ReplyRecord[], place: number): Promise<boolean> {
    for (const other of queued) {
      if ((other.place ?? 0) >= place) break
      if (!(await finisher.takeOver(other))) return false
    }
    return true
  }

  /** The active index refuses while another reply runs; one that is dead or sealed is ended first. */
  async function promote({ id, ownerId, conversationId }: ReplyRecord): Promise<boolean> {
    const active = await records.findActive(ownerId, conversationId)
    if (active?.phase === 'SEALED') await finisher.finish(active)
    else if (active !== undefined && !(await finisher.takeOver(active))) return false
    const running = { phase: 'RUN' as const, active: true, place: null, leaseUntil: now() + leaseMs }
    return records.change(id, { phase: 'QUEUED' }, running)
  }

  /** Who waits, without those whose nodes died: they are ended here, and hold no place. */
  async function findLiving({ ownerId, conversationId }: ReplyRecord): Promise<ReplyRecord[]> {
    const queued = await records.findQueued(ownerId, conversationId, queueLimit)
    const isDead = await Promise.all(queued.map((other) => finisher.takeOver(other)))
    return queued.filter((_, index) => !isDead[index])
  }

  /** A node that stops ends what waits there, so that nobody waits behind it. */
  async function release(id: string): Promise<void> {
    const { code, detail } = SHUTTING_DOWN
    const outcome = { type: 'REJECTED' as const, code, detail }
    await records.change(id, { phase: 'QUEUED' }, { phase: 'ENDED', outcome, place: null, endedAt: now() })
  }

  /** One poll of the queue: its promotion, or its end, or the lease renewed. */
  async function poll(record: ReplyRecord, view: ReplyViewControl): Promise<QueueExit | undefined> {
    const { id, ownerId, conversationId, place = 0 } = record
    const queued = await records.findQueued(ownerId, conversationId, queueLimit)
    const index = queued.findIndex((other) => other.id === id)
    if (index < 0) return { type: 'ENDED' }
    view.queue(index + 1)
    if ((await isFirst(queued, place)) && (await promote(record))) {
      return { type: 'PROMOTED', record: { ...record, phase: 'RUN', active: true } }
    }
    const lease = { leaseUntil: now() + leaseMs, bumpBeat: true as const }
    return (await records.change(id, { phase: 'QUEUED' }, lease)) ? undefined : { type: 'ENDED' }
  }

  async function enter(record: ReplyRecord): Promise<ReplyRecord | ReplyRejection | undefined> {
    for (;;) {
      const queued = await findLiving(record)
      if (queued.length >= queueLimit) return queueFull(queueLimit)
      const place = (queued.at(-1)?.place ?? 0) + 1
      const waiting = { ...record, phase: 'QUEUED' as const, active: false, place, leaseUntil: now() + leaseMs }
      if (await records.insert(waiting)) return waiting
      const { ownerId, conversationId, clientMessageId } = record
      const same = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
      if (same !== undefined) return undefined
    }
  }

  async function wait(record: ReplyRecord, view: ReplyViewControl, isClosing: () => boolean): Promise<QueueExit> {
    while (!isClosing()) {
      const exit = await poll(record, view).catch((error: unknown) => onFault(record.id, error))
      if (exit) return exit
      await pause(record.conversationId)
    }
    await release(record.id).catch((error: unknown) => onFault(record.id, error))
    return { type: 'ENDED' }
  }

  return { enter, wait }
}

function queueFull(limit: number): ReplyRejection {
  const detail = `${limit} questions wait in this conversation already.`
  return { type: 'ReplyRejected', code: 'QUEUE_FULL', detail }
}
