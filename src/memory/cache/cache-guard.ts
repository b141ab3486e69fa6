import { randomBytes } from 'node:crypto'
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import { withTimeout } from '../../with-timeout.ts'
import type { AppendedRows, Cache, CacheEntry, Mark, Register, Tail } from './cache.ts'
import { createUnsentMarks } from './unsent-marks.ts'

/**
 * The one place that decides what a fault of the cache means: a miss. No method rejects, none takes
 * longer than the command timeout, and while the circuit breaker is open none waits at all.
 */
export interface CacheGuard {
  /** Undefined when the cache cannot be asked. Registers are raised by the marks that are still unsent here. */
  readEntries(conversationIds: readonly string[]): Promise<CacheEntry[] | undefined>
  /** Undefined: answer without filling. */
  open(conversationId: string): Promise<Register | undefined>
  /** A mark that was not taken is kept (bounded, merged) and sent when the cache is back. */
  mark(conversationId: string, mark: Mark): Promise<void>
  confirm(conversationId: string, appended: AppendedRows): Promise<void>
  fill(conversationId: string, tail: Tail, ttlSeconds: number): Promise<boolean>
  /** Whether the drop was answered. */
  drop(conversationId: string): Promise<boolean>
  readonly available: boolean
  close(): Promise<void>
}

/** When a cache counts as away, and what is kept for it meanwhile. */
export interface CacheGuardLimits {
  commandTimeoutMs: number
  /** So many faults in a row open the breaker. */
  faultsToOpen?: number
  /** How often an absent cache is asked whether it is back, and kept marks are sent again. */
  probeIntervalMs?: number
  /** Marks of so many conversations are kept. */
  maxUnsentMarks?: number
}

/** What is worth counting and logging; none of it changes what the guard does. */
export interface CacheGuardObserver {
  onFault(operation: keyof Cache, error: unknown): void
  onAvailable(available: boolean): void
  /** There was no room to keep a mark: other nodes may not see that append until the next one. */
  onMarkLost(conversationId: string): void
}

/**
 * Guards a cache. The breaker is cockatiel's, with one change: while it is open no caller is ever used
 * to try the cache, since that one would wait; a background probe does, and it sends the kept marks
 * before any caller comes through again. Refusals, which are answers, never open the breaker.
 */
export function createCacheGuard(cache: Cache, limits: CacheGuardLimits, observer: CacheGuardObserver): CacheGuard {
  const { commandTimeoutMs, faultsToOpen = 5, probeIntervalMs = 500, maxUnsentMarks = 100_000 } = limits
  const options = { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(faultsToOpen) }
  const breaker = circuitBreaker(
    handleWhen((error) => !isRefusal(error)),
    options,
  )
  const kept = createUnsentMarks(maxUnsentMarks)
  let closing = false
  let probing = false
  let timer: NodeJS.Timeout | undefined

  breaker.onBreak(() => scheduleProbe())
  observeAvailability(breaker, observer)

  async function ask<T>(operation: keyof Cache, send: () => Promise<T>): Promise<T | undefined> {
    if (breaker.state !== CircuitState.Closed) return undefined
    try {
      return await breaker.execute(() => withTimeout(send(), commandTimeoutMs))
    } catch (error) {
      observer.onFault(operation, error)
      return undefined
    }
  }

  function keep(conversationId: string, mark: Mark): void {
    if (!kept.keep(conversationId, mark)) observer.onMarkLost(conversationId)
    scheduleProbe()
  }

  function scheduleProbe(): void {
    if (closing || probing || timer !== undefined) return
    if (breaker.state === CircuitState.Closed && kept.size === 0) return
    timer = setTimeout(() => void probe(), probeIntervalMs).unref()
  }

  async function probe(): Promise<void> {
    timer = undefined
    probing = true
    try {
      if (breaker.state === CircuitState.Closed) await sendKept()
      else await breaker.execute(() => withTimeout(cache.ping(), commandTimeoutMs).then(sendKept))
    } catch (error) {
      observer.onFault('ping', error)
    }
    probing = false
    scheduleProbe()
  }

  function sendKept(): Promise<void> {
    return kept.sendAll(async (conversationId, mark) => {
      try {
        await withTimeout(cache.mark(conversationId, mark, createGeneration()), commandTimeoutMs)
        return true
      } catch (error) {
        if (isRefusal(error)) return false
        throw error
      }
    })
  }

  return {
    async readEntries(conversationIds) {
      const entries = await ask('readEntries', () => cache.readEntries(conversationIds))
      if (entries === undefined || kept.size === 0) return entries
      return entries.map((entry, index) => {
        const id = conversationIds[index]
        if (id === undefined || entry.register === undefined) return entry
        return { ...entry, register: kept.raise(id, entry.register) }
      })
    },
    open: (conversationId) => ask('open', () => cache.open(conversationId, createGeneration())),
    async mark(conversationId, mark) {
      const taken = await ask('mark', () => cache.mark(conversationId, mark, createGeneration()).then(() => true))
      if (!taken) keep(conversationId, mark)
    },
    async confirm(conversationId, appended) {
      await ask('confirm', () => cache.confirm(conversationId, appended))
    },
    async fill(conversationId, tail, ttlSeconds) {
      return (await ask('fill', () => cache.fill(conversationId, tail, ttlSeconds))) ?? false
    },
    async drop(conversationId) {
      return (await ask('drop', () => cache.drop(conversationId).then(() => true))) ?? false
    },
    get available() {
      return breaker.state === CircuitState.Closed
    },
    async close() {
      closing = true
      clearTimeout(timer)
      try {
        if (breaker.state === CircuitState.Closed) await sendKept()
        await cache.close()
      } catch (error) {
        observer.onFault('close', error)
      }
    },
  }
}

/** A failed probe opens the breaker again, which changes nothing for anybody. */
function observeAvailability(breaker: ReturnType<typeof circuitBreaker>, observer: CacheGuardObserver): void {
  let available = true
  breaker.onStateChange((state) => {
    const changed = state === CircuitState.HalfOpen ? available : state === CircuitState.Closed
    if (changed !== available) observer.onAvailable(changed)
    available = changed
  })
}

/** An answer of the server that says no (full, read only, wrong type): redis-errors' class, by its name. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/** 72 random bits: a conversation meets few generations, and never a guess. */
function createGeneration(): string {
  return randomBytes(9).toString('base64url')
}
