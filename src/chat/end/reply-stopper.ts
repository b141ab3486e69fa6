import { setTimeout as delay } from 'node:timers/promises'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import { untilTrue } from '../follow/reply-view.ts'
import type { ReplyViews } from '../follow/reply-views.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'

/** Why a reply is stopped from outside. */
export type StopReason = 'CANCELLED' | 'SUPERSEDED' | 'DISCONNECTED'

/** Stops replies on whichever node they run or wait (protocol B6). */
export interface ReplyStopper {
  /** Resolves when it is known that it is to stop, which is before it has ended. */
  stop(record: ReplyRecord, reason: StopReason): Promise<void>
  /** Whether the active reply came to its end: at the latest when its node's lease is over and it is taken over. */
  supersede(active: ReplyRecord): Promise<boolean>
}

/** What stopping a reply is made with. */
export interface ReplyStopperDeps {
  records: ReplyRecords
  log: ReplyLog
  runs: Pick<ReplyRuns, 'find'>
  views: ReplyViews
  now: () => number
}

/** The leeway for clocks, and a little more. */
const SUPERSEDE_MS = 5_000

/** Stops replies by their records, and those that run here at once. */
export function createReplyStopper(deps: ReplyStopperDeps, { leaseMs }: { leaseMs: number }): ReplyStopper {
  const { records, log, runs, views, now } = deps

  async function stop({ id, ownerId, phase }: ReplyRecord, reason: StopReason): Promise<void> {
    const run = runs.find(id)?.run
    if (run !== undefined) return run.stop(reason)
    if (phase === 'QUEUED') {
      const outcome = { type: 'REJECTED' as const, code: reason, detail: 'It was cancelled while it waited.' }
      const isEnded = await records.change(id, { phase }, { phase: 'ENDED', outcome, place: null, endedAt: now() })
      // It may have been promoted meanwhile.
      const found = isEnded ? undefined : await records.find(ownerId, id)
      if (found?.phase === 'RUN') return stop(found, reason)
    } else await records.change(id, { phase: 'RUN' }, { phase: 'STOP', stop: reason })
    log.notify(id)
  }

  async function supersede(active: ReplyRecord): Promise<boolean> {
    const { view, release } = views.open(active)
    const ended = new AbortController()
    try {
      await stop(active, 'SUPERSEDED')
      const options = { signal: ended.signal, ref: false }
      const late = delay(2 * leaseMs + SUPERSEDE_MS, undefined, options).catch(() => undefined)
      await Promise.race([untilTrue(view, () => view.ending !== undefined), late])
      return view.ending !== undefined
    } finally {
      // A view that is not released polls its record for ever.
      ended.abort()
      release()
    }
  }

  return { stop, supersede }
}
