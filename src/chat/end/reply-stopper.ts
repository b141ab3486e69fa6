import { setTimeout as delay } from 'node:timers/promises'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import { untilTrue } from '../follow/reply-view.ts'
import type { ReplyViews } from '../follow/reply-views.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'

/** Stops replies on whichever node they run or wait (protocol B6). */
export interface ReplyStopper {
  /** Resolves when it is known that it is to stop, which is before it has ended. */
  stop(record: ReplyRecord, reason: 'CANCELLED' | 'SUPERSEDED' | 'DISCONNECTED'): Promise<void>
  /** Whether the active reply came to its end: at the latest when its node's lease is over and it is taken over. */
  supersede(active: ReplyRecord): Promise<boolean>
}

/** What stopping a reply needs. */
export interface ReplyStopperParts {
  records: ReplyRecords
  log: ReplyLog
  runs: Pick<ReplyRuns, 'find'>
  views: ReplyViews
  now: () => number
}

/** The leeway for clocks, and a little more. */
const SUPERSEDE_MS = 5_000

/** Stops replies by their records, and those that run here at once. */
export function createReplyStopper(parts: ReplyStopperParts, { leaseMs }: { leaseMs: number }): ReplyStopper {
  const { records, log, runs, views, now } = parts

  const stop: ReplyStopper['stop'] = async ({ id, phase }, reason) => {
    const run = runs.find(id)?.run
    if (run !== undefined) return run.stop(reason)
    if (phase === 'QUEUED') {
      const outcome = { type: 'REJECTED' as const, code: reason, detail: 'It was cancelled while it waited.' }
      const isEnded = await records.change(id, { phase }, { phase: 'ENDED', outcome, place: null, endedAt: now() })
      // Its turn may have come meanwhile.
      const found = isEnded ? undefined : await records.find(id)
      if (found?.phase === 'RUN') return stop(found, reason)
    } else await records.change(id, { phase: 'RUN' }, { phase: 'STOP', stop: reason })
    log.notify(id)
  }

  return {
    stop,

    async supersede(active) {
      const { view, release } = views.open(active)
      const ended = new AbortController()
      try {
        await stop(active, 'SUPERSEDED')
        const options = { signal: ended.signal, ref: false }
        const late = delay(2 * leaseMs + SUPERSEDE_MS, undefined, options).catch(() => undefined)
        await Promise.race([untilTrue(view, () => view.ending !== undefined), late])
        return view.ending !== undefined
      } finally {
        // A view that is left looks at its record for ever.
        ended.abort()
        release()
      }
    },
  }
}
