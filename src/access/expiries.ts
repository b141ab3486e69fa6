import type { Caller } from './caller.ts'

/** Ends what was opened by callers whose proof expires. */
export interface Expiries {
  /** Has `end` called once the caller has expired, in the order of watching; returns what forgets it. */
  watch(caller: Caller, end: () => void): () => void
  /** To be called every few seconds. */
  endExpired(): void
}

interface Watched {
  expiresAt: number
  end(): void
}

/** One look at all of them: a timer for each of thousands of streams would live as long as they do. */
export function createExpiries(now: () => number): Expiries {
  const watched = new Set<Watched>()

  function watch({ expiresAt }: Caller, end: () => void): () => void {
    if (expiresAt === undefined) return () => {}
    const one = { expiresAt, end }
    watched.add(one)
    return () => watched.delete(one)
  }

  function endExpired(): void {
    const time = now()
    for (const one of watched) {
      if (one.expiresAt > time) continue
      watched.delete(one)
      one.end()
    }
  }

  return { watch, endExpired }
}
