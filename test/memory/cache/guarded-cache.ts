import { type CacheGuardLimits, createCacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import { createLocalCache } from '../../../src/memory/cache/local-cache.ts'
import { SMALL_LIMITS } from './cache-rows.ts'
import { disconnect, recordCache } from './recorded-cache.ts'

/** A guard on a cache in process, with what the cache was asked and what the guard told of. */
export function createGuarded(limits: Partial<CacheGuardLimits> = {}) {
  const cache = recordCache(createLocalCache({ ...SMALL_LIMITS, maxBytes: 100_000_000 }, () => 1_000_000))
  const events: string[] = []
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: 50, ...limits },
    {
      onFault: (operation) => events.push(`fault ${operation}`),
      onAvailable: (available) => events.push(available ? 'available' : 'unavailable'),
      onMarkLost: (id) => events.push(`lost ${id}`),
    },
  )
  return { cache, guard, events }
}

type Guarded = ReturnType<typeof createGuarded>

/** Lets the cache fail until the breaker is open; then it is well again. */
export async function breakCircuit({ cache, guard }: Guarded): Promise<void> {
  cache.before = disconnect
  while (guard.available) await guard.readEntries(['a'])
  cache.before = () => {}
  cache.calls.length = 0
}

/** Whether it settles in this turn: no timer and no input of any kind comes in between. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const watched = promise.finally(() => {
    settled = true
  })
  for (let step = 0; step < 20; step++) await Promise.resolve()
  return settled && (await watched.then(() => true))
}
