import { RateLimitedError } from '../../errors.ts'
import { type Asker, createFairQueue } from '../../memory/tokens/fair-queue.ts'
import type { Leave } from '../../plans/execution-bounds.ts'
import type { QueryCost } from '../../plans/query-cost.ts'

/** Room for operations that cost much, however many connections ask for them at once. */
export interface HeavyOperations {
  /**
   * What gives the room back: at once where there is room, else when it is its turn, in turns of who asks. Undefined for
   * operations that cost little, which never wait. Throws RateLimitedError where too much waits already.
   */
  enter(cost: Pick<QueryCost, 'cost' | 'pages'>, asker: Asker): Leave | Promise<Leave> | undefined
}

interface Waiting {
  share: number
  begin(leave: Leave): void
}

/** Costs so little, and reads so few texts, that it is no matter how many are under way. */
const LIGHT_COST = 5_000
const LIGHT_PAGES = 1
/** Pages of long texts in all, and of one operation, whose answer has no room for more. */
const MAX_PAGES = 64
const MAX_PAGES_OF_ONE = 8
/** What may wait is so many times what may be under way: some ten seconds. */
const MAX_WAITING = 20
const MS_PER_ROOM = 500

/** Operations under way cost `maxCost` together, and one more. */
export function createHeavyOperations(maxCost: number): HeavyOperations {
  const queue = createFairQueue<Waiting>()
  let running = 0
  let waiting = 0

  function enter({ cost, pages }: Pick<QueryCost, 'cost' | 'pages'>, asker: Asker): Leave | Promise<Leave> | undefined {
    if (cost <= LIGHT_COST && pages < LIGHT_PAGES) return undefined
    const share = Math.max(cost / maxCost, Math.min(pages, MAX_PAGES_OF_ONE) / MAX_PAGES)
    if (running < 1) return begin(share)
    if (waiting + share > MAX_WAITING) throw crowded(waiting)
    waiting += share
    return new Promise((resolve) => queue.push({ share, begin: resolve }, share, asker))
  }

  function begin(share: number): Leave {
    running += share
    let isOver = false
    return function leave(): void {
      if (isOver) return
      isOver = true
      running -= share
      beginNext()
    }
  }

  function beginNext(): void {
    while (running < 1) {
      const next = queue.shift()
      if (next === undefined) {
        // Sums of fractions are not exact.
        waiting = 0
        return
      }
      waiting -= next.share
      next.begin(begin(next.share))
    }
  }

  return { enter }
}

function crowded(waiting: number): RateLimitedError {
  const detail = 'Too many operations that cost much wait to be executed. Send again later, or ask for less at once.'
  return new RateLimitedError(detail, Math.ceil(waiting * MS_PER_ROOM))
}
