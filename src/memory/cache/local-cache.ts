import { LRUCache } from 'lru-cache'
import {
  type AppendedRows,
  type Cache,
  type CacheEntry,
  type CacheLimits,
  MAX_MARKS,
  type Mark,
  OPENED_SECONDS,
  REGISTER_EXTRA_SECONDS,
  type Register,
  type Tail,
} from './cache.ts'
import { marksOf, newRegister, raiseRegister } from './register.ts'
import { joinTail } from './tail-join.ts'

/** Lifetimes and bounds of the cache in this process. */
export interface LocalCacheLimits extends CacheLimits {
  /** Of memory, about; what was not used for the longest time goes first. */
  maxBytes: number
}

/** Registers have a share of their own: many or large tails must not push out marks. */
const REGISTER_SHARE = 1 / 8

/** What expires at this very moment still expires: to lru-cache no time left is a life without end. */
const LEAST_LIFE_MS = 1

/** The cache in this process, for one node without Redis: the same steps, expiring by `now` (epoch milliseconds). */
export function createLocalCache(limits: LocalCacheLimits, now: () => number): Cache {
  const registerBytes = Math.floor(limits.maxBytes * REGISTER_SHARE)
  const clock = { perf: { now }, ttlResolution: 0 }
  const registers = new LRUCache<string, Register>({ ...clock, maxSize: registerBytes, sizeCalculation: registerSize })
  const tails = new LRUCache<string, Tail>({
    ...clock,
    maxSize: limits.maxBytes - registerBytes,
    sizeCalculation: tailSize,
  })

  async function readEntries(conversationIds: readonly string[]): Promise<CacheEntry[]> {
    return conversationIds.map(entryOf)
  }

  function entryOf(conversationId: string): CacheEntry {
    const register = registers.get(conversationId)
    const tail = tails.get(conversationId)
    return { ...(register && { register }), ...(tail && { tail }) }
  }

  async function openEntry(conversationId: string, generation: string): Promise<CacheEntry> {
    if (!registers.has(conversationId)) storeRegister(conversationId, newRegister(generation), OPENED_SECONDS)
    return entryOf(conversationId)
  }

  async function open(conversationId: string, generation: string): Promise<Register> {
    const register = registers.get(conversationId) ?? newRegister(generation)
    storeRegister(conversationId, register, OPENED_SECONDS)
    return register
  }

  async function mark(conversationId: string, intended: Mark, generation: string): Promise<void> {
    raise(conversationId, registers.get(conversationId) ?? newRegister(generation), [intended])
  }

  async function confirm(conversationId: string, appended: AppendedRows): Promise<void> {
    const register = registers.get(conversationId)
    if (register === undefined) return
    const { epoch, branch, last } = appended
    raise(conversationId, register, [{ epoch, branch, sequence: last }])
    const tail = tails.get(conversationId)
    const joined = tail?.generation === register.generation ? joinTail(tail, appended, limits.tailTokens) : undefined
    if (joined) storeTail(conversationId, joined)
  }

  async function fill(conversationId: string, tail: Tail, ttlSeconds: number | undefined): Promise<boolean> {
    const register = registers.get(conversationId)
    const present = tails.get(conversationId)
    if (register?.generation !== tail.generation || saysMore(present, tail)) return false
    if (ttlSeconds === undefined && (present?.generation !== tail.generation || present.life !== tail.life))
      return false
    raise(conversationId, register, marksOf(tail))
    storeTail(conversationId, tail, ttlSeconds)
    return true
  }

  async function drop(conversationId: string, generation: string): Promise<void> {
    tails.delete(conversationId)
    const register = registers.get(conversationId)
    if (register !== undefined) storeRegister(conversationId, { ...register, generation }, 0)
  }

  function raise(conversationId: string, register: Register, raisedTo: readonly Mark[]): void {
    const raised = raiseRegister(register, raisedTo, now())
    if (Object.keys(raised.marks).length <= MAX_MARKS) {
      storeRegister(conversationId, raised, limits.ttlSeconds + REGISTER_EXTRA_SECONDS)
      return
    }
    registers.delete(conversationId)
    tails.delete(conversationId)
  }

  /** For `leastSeconds` more at least; nothing shortens its life. */
  function storeRegister(conversationId: string, register: Register, leastSeconds: number): void {
    const ttl = Math.max(leastSeconds * 1000, registers.getRemainingTTL(conversationId), LEAST_LIFE_MS)
    registers.set(conversationId, register, { ttl })
  }

  /** Without `ttlSeconds` the tail keeps the end of its life. */
  function storeTail(conversationId: string, tail: Tail, ttlSeconds?: number): void {
    const ttl = ttlSeconds === undefined ? tails.getRemainingTTL(conversationId) : ttlSeconds * 1000
    tails.set(conversationId, tail, { ttl: Math.max(ttl, LEAST_LIFE_MS) })
  }

  async function ping(): Promise<void> {}

  async function close(): Promise<void> {
    registers.clear()
    tails.clear()
  }

  return { readEntries, openEntry, open, mark, confirm, fill, drop, ping, close }
}

/** Whether the tail that is there says as much as a fill, or more. */
function saysMore(present: Tail | undefined, filled: Tail): boolean {
  if (present === undefined || present.generation !== filled.generation) return false
  if (present.epoch !== filled.epoch) return present.epoch > filled.epoch
  if (present.last !== filled.last) return present.last > filled.last
  return present.knownFrom <= filled.knownFrom
}

/** Measured: about what V8 needs for the value, its key and the cache's own slots. */
function registerSize(register: Register): number {
  return 400 + 60 * Object.keys(register.marks).length
}

/** Two bytes a character, which is what text beyond Latin-1 takes. */
function tailSize(tail: Tail): number {
  return 500 + 2 * tail.rows.length
}
