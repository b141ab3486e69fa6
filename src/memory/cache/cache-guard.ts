import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { TimedOutError, withTimeout } from '../../with-timeout.ts'
import type { AppendedRows, Cache, CacheEntry, Mark, Register, Tail } from './cache.ts'
import { createUnsentWrites } from './unsent-writes.ts'

/**
 * The one place that decides what a fault of the cache means: a miss. No method rejects, none takes
 * longer than the command timeout, and while the cache is away none waits at all. Entries are returned as
 * they will be once this node's unsent marks and drops are sent.
 */
export interface CacheGuard {
  /** In the order asked; undefined when the cache cannot be read. */
  readEntries(conversationIds: readonly string[]): Promise<CacheEntry[] | undefined>
  /** The entry, with a register that was there or is there from now on; see Cache. Undefined as above. */
  openEntry(conversationId: string): Promise<CacheEntry | undefined>
  /** The register that is there from now on. Undefined: answer without filling. */
  open(conversationId: string): Promise<Register | undefined>
  /** A mark that was not taken is kept (bounded, merged) and sent when the cache is back. */
  mark(conversationId: string, mark: Mark): Promise<void>
  confirm(conversationId: string, appended: AppendedRows): Promise<void>
  /** Returns whether it was taken; see Cache. */
  fill(conversationId: string, tail: Tail, ttlSeconds: number | undefined): Promise<boolean>
  /** Returns whether the drop was answered. One that was not is kept as marks are, and this node reads no tail until it is. */
  drop(conversationId: string): Promise<boolean>
  readonly available: boolean
  /** Sends what is unsent if the cache is there, and closes it. */
  close(): Promise<void>
}

/** When a cache counts as away, and what is kept for it meanwhile. */
export interface CacheGuardLimits {
  commandTimeoutMs: number
  /** So many faults in a row are taken for the cache's own, and so many timeouts of one conversation for its keys'. */
  faultsToSuspect?: number
  /** How often an absent cache is pinged, and unsent writes are sent again. */
  probeIntervalMs?: number
  /**
   * How often a cache that is there is pinged: who only reads learns so that it takes no writes, other nodes' marks
   * among them, and believes its hits no longer. Absent: never.
   */
  watchIntervalMs?: number
  /** Unsent writes of so many conversations are kept. */
  maxUnsentWrites?: number
}

/** What is worth counting and logging; none of it changes what the guard does. */
export interface CacheGuardObserver {
  onFault(operation: keyof Cache, error: unknown): void
  /** `fault`: why it is away. */
  onAvailable(available: boolean, fault?: unknown): void
  /** There was no room to keep a mark or a drop: other nodes may not see that write until the next one. */
  onMarkLost(conversationId: string): void
}

/** Conversations whose timeouts in a row are counted. */
const MAX_SLOW = 1_000

/**
 * Guards a cache. Faults of callers raise a suspicion; whether the cache is away or back is decided by a ping
 * alone, so that one slow key cannot take it from all others. While it is away no caller is used to try
 * it, since that one would wait: a background probe does, and it sends what is unsent before any caller
 * comes through again. A circuit breaker of a library (cockatiel's) counts what callers meet, and would
 * be held in isolation here for all but that count.
 */
export function createCacheGuard(cache: Cache, limits: CacheGuardLimits, observer: CacheGuardObserver): CacheGuard {
  const { commandTimeoutMs, faultsToSuspect = 5, probeIntervalMs = 500, maxUnsentWrites = 100_000 } = limits
  const unsent = createUnsentWrites(maxUnsentWrites)
  /** Timeouts in a row, by conversation. */
  const slow = new LRUCache<string, number>({ max: MAX_SLOW })
  let faultsInARow = 0
  let available = true
  let isChecking = false
  let isProbing = false
  let isClosing = false
  let timer: NodeJS.Timeout | undefined
  const watching = watchEvery(limits.watchIntervalMs, () => void call('ping', [], () => cache.ping()))

  async function call<T>(
    operation: keyof Cache,
    conversationIds: readonly string[],
    send: () => Promise<T>,
  ): Promise<T | undefined> {
    if (!available) return undefined
    try {
      const result = await withTimeout(send(), commandTimeoutMs)
      faultsInARow = 0
      if (slow.size > 0) for (const id of conversationIds) slow.delete(id)
      return result
    } catch (error) {
      observer.onFault(operation, error)
      weigh(error, conversationIds)
      return undefined
    }
  }

  function weigh(error: unknown, conversationIds: readonly string[]): void {
    if (isRefusal(error)) {
      // Whether one key refuses, or the server refuses whatever is written: only the words of a full one are known.
      if (!isFull(error)) void check(error)
      return
    }
    faultsInARow += 1
    const isOften = faultsInARow >= faultsToSuspect
    if (!isTimeout(error)) {
      // A connection that is gone is gone for every key.
      if (isOften) setAvailable(false, error)
      return
    }
    for (const id of conversationIds) countTimeout(id)
    if (isOften) void check()
  }

  /** Keys that are too slow to be read, while others may be well, would be so for ever. */
  function countTimeout(conversationId: string): void {
    const timeouts = (slow.get(conversationId) ?? 0) + 1
    slow.set(conversationId, timeouts)
    if (timeouts < faultsToSuspect) return
    slow.delete(conversationId)
    addDrop(conversationId)
  }

  /** `refusal`: why it is in doubt. A connection may be closed for it, and then the ping says no more than that. */
  async function check(refusal?: unknown): Promise<void> {
    if (isChecking || !available) return
    isChecking = true
    const fault = await ping()
    isChecking = false
    faultsInARow = 0
    if (fault) setAvailable(false, isRefusal(fault.error) ? fault.error : (refusal ?? fault.error))
  }

  /** Undefined where it answers. */
  async function ping(): Promise<{ error: unknown } | undefined> {
    try {
      await withTimeout(cache.ping(), commandTimeoutMs)
      return undefined
    } catch (error) {
      if (isFull(error)) return undefined
      observer.onFault('ping', error)
      return { error }
    }
  }

  function setAvailable(isAvailable: boolean, fault?: unknown): void {
    faultsInARow = 0
    if (available !== isAvailable) observer.onAvailable(isAvailable, fault)
    available = isAvailable
    scheduleProbe()
  }

  function addMark(conversationId: string, mark: Mark): void {
    if (!unsent.addMark(conversationId, mark)) observer.onMarkLost(conversationId)
    scheduleProbe()
  }

  function addDrop(conversationId: string): void {
    if (!unsent.addDrop(conversationId)) observer.onMarkLost(conversationId)
    scheduleProbe()
  }

  function scheduleProbe(): void {
    if (isClosing || isProbing || timer !== undefined) return
    if (available && unsent.size === 0) return
    timer = setTimeout(() => void probe(), probeIntervalMs).unref()
  }

  async function probe(): Promise<void> {
    timer = undefined
    isProbing = true
    if (available) {
      if (!(await sendUnsent(() => available))) await check()
    } else if (!(await ping())) {
      // What it does not take stays unsent, and does not keep the cache away; that it is gone again does.
      if ((await sendUnsent()) || !(await ping())) setAvailable(true)
    }
    isProbing = false
    scheduleProbe()
  }

  /** As long as they are wanted: while they are sent, a ping may find that the cache is away. */
  async function sendUnsent(areWanted = () => true): Promise<boolean> {
    return unsent.sendAll({
      mark: async (id, mark) => areWanted() && isTaken('mark', () => cache.mark(id, mark, createGeneration())),
      drop: async (id) => areWanted() && isTaken('drop', () => cache.drop(id, createGeneration())),
    })
  }

  async function isTaken(operation: keyof Cache, send: () => Promise<void>): Promise<boolean> {
    try {
      await withTimeout(send(), commandTimeoutMs)
      return true
    } catch (error) {
      observer.onFault(operation, error)
      return false
    }
  }

  async function readEntries(conversationIds: readonly string[]): Promise<CacheEntry[] | undefined> {
    const entries = await call('readEntries', conversationIds, () => cache.readEntries(conversationIds))
    if (entries === undefined || unsent.size === 0) return entries
    return entries.map((entry, index) => unsent.applyTo(conversationIds[index] ?? '', entry))
  }

  async function openEntry(conversationId: string): Promise<CacheEntry | undefined> {
    const send = () => cache.openEntry(conversationId, createGeneration())
    const entry = await call('openEntry', [conversationId], send)
    return entry && unsent.applyTo(conversationId, entry)
  }

  async function open(conversationId: string): Promise<Register | undefined> {
    return call('open', [conversationId], () => cache.open(conversationId, createGeneration()))
  }

  async function mark(conversationId: string, intended: Mark): Promise<void> {
    const send = () => cache.mark(conversationId, intended, createGeneration()).then(() => true)
    if (!(await call('mark', [conversationId], send))) addMark(conversationId, intended)
  }

  async function confirm(conversationId: string, appended: AppendedRows): Promise<void> {
    await call('confirm', [conversationId], () => cache.confirm(conversationId, appended))
  }

  async function fill(conversationId: string, tail: Tail, ttlSeconds: number | undefined): Promise<boolean> {
    return (await call('fill', [conversationId], () => cache.fill(conversationId, tail, ttlSeconds))) ?? false
  }

  async function drop(conversationId: string): Promise<boolean> {
    const send = () => cache.drop(conversationId, createGeneration()).then(() => true)
    const isAnswered = (await call('drop', [conversationId], send)) ?? false
    if (isAnswered) unsent.removeDrop(conversationId)
    else addDrop(conversationId)
    return isAnswered
  }

  async function close(): Promise<void> {
    isClosing = true
    clearTimeout(timer)
    clearInterval(watching)
    try {
      if (available) await sendUnsent()
      await cache.close()
    } catch (error) {
      observer.onFault('close', error)
    }
  }

  return {
    readEntries,
    openEntry,
    open,
    mark,
    confirm,
    fill,
    drop,
    get available() {
      return available
    },
    close,
  }
}

function watchEvery(intervalMs: number | undefined, watch: () => void): NodeJS.Timeout | undefined {
  return intervalMs === undefined ? undefined : setInterval(watch, intervalMs).unref()
}

/** An answer of the server that says no: redis-errors' class, by its name. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** A full server takes marks and answers reads. */
function isFull(error: unknown): boolean {
  return isRefusal(error) && /^OOM\b/.test(error.message)
}

/** By our own deadline, or by ioredis'. */
function isTimeout(error: unknown): boolean {
  return error instanceof TimedOutError || (error instanceof Error && error.message === 'Command timed out')
}

/** 72 random bits: a conversation meets few generations, and never a guess. */
function createGeneration(): string {
  return randomBytes(9).toString('base64url')
}
