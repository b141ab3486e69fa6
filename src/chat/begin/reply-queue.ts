import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import { createFaultSeries, type FaultHooks } from '../fault-series.ts'
import type { ReplyEnding, ReplyRejection } from '../follow/reply-event.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { DELETED_BEFORE, LEFT_QUEUE, SHUTTING_DOWN } from './reply-rejections.ts'
import { withdrawUntilAnswered } from './withdraw-until-answered.ts'

/** What the queue is made of; `now` gives epoch milliseconds. */
export interface ReplyQueueDeps extends FaultHooks {
  records: ReplyRecords
  memory: Pick<Memory, 'findConversations'>
  finisher: ReplyFinisher
  log: Pick<ReplyLog, 'notify'>
  now: () => number
  /** Until it is worth polling again: the active reply ended here, or some time has passed. */
  pause: (conversationId: string) => Promise<void>
}

/** How many wait in one conversation, and how long a place is held without a sign of life. */
export interface ReplyQueueLimits {
  queueLimit: number
  leaseMs: number
}

/** What became of a place in the queue. */
export type QueueExit = { type: 'PROMOTED'; record: ReplyRecord } | { type: 'ENDED'; ending: ReplyEnding }

/** The places of those who wait in a conversation. */
export interface ReplyQueue {
  /** Takes the next place, or says why not. Undefined: the question's id was used meanwhile, so claim again. */
  enter(record: ReplyRecord): Promise<ReplyRecord | ReplyRejection | undefined>
  /** Waits until it is first; the view shows each move. Never rejects. */
  wait(queued: ReplyRecord, view: ReplyViewControl, isClosing: () => boolean): Promise<QueueExit>
}

/** The queue of a conversation, by protocol B7: places in order, and the lowest living one promotes itself. */
export function createReplyQueue(deps: ReplyQueueDeps, { queueLimit, leaseMs }: ReplyQueueLimits): ReplyQueue {
  const { records, memory, finisher, log, now, pause } = deps

  /** Removes the dead in front of a place; true when nobody living is left there. */
  async function isFirst(queued: readonly ReplyRecord[], place: number): Promise<boolean> {
    for (const other of queued) {
      if ((other.place ?? 0) >= place) break
      if (!(await finisher.takeOver(other))) return false
    }
    return true
  }

  /** The active index refuses while another reply runs; one that is dead or sealed is ended first. */
  async function promote(record: ReplyRecord): Promise<ReplyRecord | undefined> {
    const active = await records.findActive(record.ownerId, record.conversationId)
    if (active?.phase === 'SEALED') await finisher.finish(active)
    else if (active !== undefined && !(await finisher.takeOver(active))) return undefined
    const running = { phase: 'RUN' as const, active: true, leaseUntil: now() + leaseMs }
    const isChanged = await records.change(record.id, { phase: 'QUEUED' }, { ...running, place: null })
    return isChanged ? { ...record, ...running } : undefined
  }

  /** Who waits, without those whose nodes died: they are removed here, and hold no place. */
  async function findLiving(ownerId: string, conversationId: string): Promise<ReplyRecord[]> {
    const queued = await records.findQueued(ownerId, conversationId, queueLimit)
    const isDead = await Promise.all(queued.map((other) => finisher.takeOver(other)))
    return queued.filter((_, index) => !isDead[index])
  }

  /** One poll of the queue: its promotion, or its end, or the lease renewed. */
  async function poll({ id, ownerId, conversationId }: ReplyRecord, view: ReplyViewControl) {
    const queued = await records.findQueued(ownerId, conversationId, queueLimit)
    const index = queued.findIndex((other) => other.id === id)
    const own = queued[index]
    if (own === undefined) return exitOf(ownerId, conversationId, id)
    view.queue(index + 1)
    const promoted = (await isFirst(queued, own.place ?? 0)) ? await promote(own) : undefined
    if (promoted !== undefined) return { type: 'PROMOTED' as const, record: promoted }
    const lease = { leaseUntil: now() + leaseMs, bumpBeat: true as const }
    // One that is refused or was promoted meanwhile is met by the next poll.
    await records.change(id, { phase: 'QUEUED', beat: own.beat }, lease)
    return undefined
  }

  /**
   * How one left the queue. Only its own node promotes it: one that runs was promoted here, and the answer was
   * lost. Undefined: it waits still.
   */
  async function exitOf(ownerId: string, conversationId: string, id: string): Promise<QueueExit | undefined> {
    const found = await records.find(ownerId, id)
    if (found?.phase === 'QUEUED') return undefined
    if (found?.phase === 'RUN' || found?.phase === 'STOP') return { type: 'PROMOTED', record: found }
    if (found !== undefined) return { type: 'ENDED', ...(await finisher.readEnd(await finisher.finish(found))) }
    const [conversation] = await memory.findConversations(ownerId, [conversationId])
    return { type: 'ENDED', ending: conversation === undefined ? DELETED_BEFORE : LEFT_QUEUE }
  }

  /** A node that stops takes out what waits there: it never ran, and its id may be sent again. */
  async function leave({ id, ownerId, conversationId }: ReplyRecord): Promise<QueueExit> {
    const own = await records.find(ownerId, id)
    if (own?.phase !== 'QUEUED') return (await exitOf(ownerId, conversationId, id)) ?? STOPPED
    if (!(await records.withdrawQueued(id, own.beat))) return (await exitOf(ownerId, conversationId, id)) ?? STOPPED
    log.notify(id)
    return STOPPED
  }

  async function enter(record: ReplyRecord): Promise<ReplyRecord | ReplyRejection | undefined> {
    const { id, ownerId, conversationId, clientMessageId } = record
    for (;;) {
      const queued = await findLiving(ownerId, conversationId)
      if (queued.length >= queueLimit) return queueFull(queueLimit)
      const place = (queued.at(-1)?.place ?? 0) + 1
      const waiting = { ...record, phase: 'QUEUED' as const, active: false, place, leaseUntil: now() + leaseMs }
      try {
        if (await records.insert(waiting)) return waiting
      } catch (error) {
        void withdrawUntilAnswered(deps, waiting, () => records.withdrawQueued(id, 0))
        throw error
      }
      const same = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
      if (same !== undefined) return undefined
    }
  }

  async function wait(record: ReplyRecord, view: ReplyViewControl, isClosing: () => boolean): Promise<QueueExit> {
    const { onFault, onSuccess } = createFaultSeries(record.id, deps)
    while (!isClosing()) {
      try {
        const exit = await poll(record, view)
        onSuccess()
        if (exit) return exit
      } catch (error) {
        onFault(error)
      }
      await pause(record.conversationId)
    }
    return leave(record).catch((error: unknown) => {
      onFault(error)
      return STOPPED
    })
  }

  return { enter, wait }
}

const STOPPED: QueueExit = { type: 'ENDED', ending: SHUTTING_DOWN }

function queueFull(limit: number): ReplyRejection {
  const detail = `${limit} questions wait in this conversation already.`
  return { type: 'ReplyRejected', code: 'QUEUE_FULL', detail }
}
