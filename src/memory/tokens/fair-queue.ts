/** Who wants something done: an owner, and below it one of several sources of work, such as a connection. */
export interface Asker {
  ownerId: string
  source: string
}

/** Things that wait, and are taken in turns of who asks for them. */
export interface FairQueue<T> {
  /** `cost` is what it takes to do it, in any unit, above 0. */
  push(item: T, cost: number, asker: Asker): void
  shift(): T | undefined
}

/**
 * Weighted fair queueing with equal weights (Demers, Keshav and Shenker, 1989) among owners, and below each among its
 * sources: next comes what would end first if all were served at once. So a short thing of somebody new passes the long
 * ones of others, and nothing waits for ever. Queues on npm know the order of arrival and fixed priorities.
 */
export function createFairQueue<T>(): FairQueue<T> {
  const owners = createShares<T>(() => createShares<T>(createLine))
  return {
    push: (item, cost, { ownerId, source }) => owners.push({ item, cost }, [ownerId, source]),
    shift: () => owners.shift()?.item,
  }
}

interface Waiting<T> {
  item: T
  cost: number
}

interface Share<T> {
  line: Line<T>
  /** The virtual time up to which it was served. */
  servedUntil: number
}

interface Line<T> {
  push(waiting: Waiting<T>, path: readonly string[]): void
  /** The cost of what comes next; undefined where nothing waits. */
  nextCost(): number | undefined
  shift(): Waiting<T> | undefined
}

/** What a source asks for comes in its order. */
function createLine<T>(): Line<T> {
  const waiting: Waiting<T>[] = []
  return {
    push: (one) => void waiting.push(one),
    nextCost: () => waiting[0]?.cost,
    shift: () => waiting.shift(),
  }
}

/** Lines that are served alike. */
function createShares<T>(createLineOfOne: () => Line<T>): Line<T> {
  const shares = new Map<string, Share<T>>()
  let now = 0

  function push(one: Waiting<T>, [name = '', ...path]: readonly string[]): void {
    const share = shares.get(name) ?? { line: createLineOfOne(), servedUntil: now }
    // Who had nothing to ask for meanwhile saves nothing up.
    if (share.line.nextCost() === undefined) share.servedUntil = Math.max(share.servedUntil, now)
    share.line.push(one, path)
    shares.set(name, share)
  }

  /** Whose next thing would end first, and how many wait. Who is ahead of nobody any more is forgotten. */
  function choose(): { share?: Share<T>; end: number; waiting: number } {
    const choice: { share?: Share<T>; end: number; waiting: number } = { end: Number.POSITIVE_INFINITY, waiting: 0 }
    for (const [name, share] of shares) {
      const cost = share.line.nextCost()
      if (cost === undefined) {
        if (share.servedUntil <= now) shares.delete(name)
        continue
      }
      choice.waiting += 1
      if (share.servedUntil + cost < choice.end) Object.assign(choice, { share, end: share.servedUntil + cost })
    }
    return choice
  }

  function shift(): Waiting<T> | undefined {
    const { share, end, waiting } = choose()
    const next = share?.line.shift()
    if (share === undefined || next === undefined) return undefined
    share.servedUntil = end
    now += next.cost / waiting
    return next
  }

  return { push, nextCost: () => choose().share?.line.nextCost(), shift }
}
