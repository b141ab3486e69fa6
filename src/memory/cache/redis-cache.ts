import { Cluster, type Redis, type Result } from 'ioredis'
import {
  type AppendedRows,
  type Cache,
  type CacheEntry,
  type CacheLimits,
  type Mark,
  OPENED_SECONDS,
  REGISTER_EXTRA_SECONDS,
  type Register,
  type Tail,
} from './cache.ts'
import { decodeRegisterValue, decodeTailValue, encodeRegisterValue, encodeTailValue } from './cache-format.ts'
import { CONFIRM_SCRIPT, DROP_SCRIPT, FILL_SCRIPT, MARK_SCRIPT, OPEN_SCRIPT } from './redis-scripts.ts'
import { isAnnounced, newRegister } from './register.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    openRegister(head: string, ttl: number, generation: string): Result<string, Context>
    markRegister(
      head: string,
      ttl: number,
      generation: string,
      epoch: number,
      branch: string,
      sequence: number,
    ): Result<null, Context>
    confirmRows(
      head: string,
      tail: string,
      ttl: number,
      tailTokens: number,
      ...appended: (string | number)[]
    ): Result<number, Context>
    fillTail(
      head: string,
      tail: string,
      ttl: number,
      tailTtl: number | '',
      ...filled: (string | number)[]
    ): Result<number, Context>
    dropTail(head: string, tail: string, generation: string): Result<null, Context>
  }
}

/** Written by a ping, since a server that has stopped to take writes still answers a mere PING. */
const PING_KEY = 'bs:v1:ping'
const PING_LIFE_MS = 1_000

/** The cache on a Redis or a Redis Cluster, version 7 or later. One round trip a method; `close` closes the client. */
export function createRedisCache(redis: Redis | Cluster, limits: CacheLimits): Cache {
  redis.defineCommand('openRegister', { numberOfKeys: 1, lua: OPEN_SCRIPT })
  redis.defineCommand('markRegister', { numberOfKeys: 1, lua: MARK_SCRIPT })
  redis.defineCommand('confirmRows', { numberOfKeys: 2, lua: CONFIRM_SCRIPT })
  redis.defineCommand('fillTail', { numberOfKeys: 2, lua: FILL_SCRIPT })
  redis.defineCommand('dropTail', { numberOfKeys: 2, lua: DROP_SCRIPT })
  const ttl = limits.ttlSeconds + REGISTER_EXTRA_SECONDS

  async function readEntries(conversationIds: readonly string[]): Promise<CacheEntry[]> {
    if (redis instanceof Cluster) return Promise.all(conversationIds.map(readEntry))
    if (conversationIds.length === 0) return []
    const values = await redis.mget(conversationIds.flatMap(keysOf))
    return conversationIds.map((_, index) => decodeEntry(values[2 * index], values[2 * index + 1]))
  }

  async function readEntry(conversationId: string): Promise<CacheEntry> {
    const [head, tail] = await redis.mget(keysOf(conversationId))
    return decodeEntry(head, tail)
  }

  /** SET and MGET in one pipeline: a tenth of what a script costs Redis, and the two need not be atomic. */
  async function openEntry(conversationId: string, generation: string): Promise<CacheEntry> {
    const opened = encodeRegisterValue(newRegister(generation))
    const [, read] =
      (await redis
        .pipeline()
        .set(headKey(conversationId), opened, 'EX', OPENED_SECONDS, 'NX')
        .mget(keysOf(conversationId))
        .exec()) ?? []
    // A refused SET, as of a full Redis, leaves an entry without a register.
    const [error, values] = read ?? [new Error('A pipeline without an answer')]
    if (error) throw error
    const [head, tail] = values as (string | null)[]
    return decodeEntry(head, tail)
  }

  async function open(conversationId: string, generation: string): Promise<Register> {
    const register = decodeRegisterValue(await redis.openRegister(headKey(conversationId), OPENED_SECONDS, generation))
    if (register === undefined) throw new TypeError(`The register of ${conversationId} cannot be read`)
    return register
  }

  async function mark(conversationId: string, intended: Mark, generation: string): Promise<void> {
    const { epoch, branch, sequence } = intended
    await redis.markRegister(headKey(conversationId), ttl, generation, epoch, branch, sequence)
  }

  async function confirm(conversationId: string, appended: AppendedRows): Promise<void> {
    const [head, tail] = keysOf(conversationId)
    const { epoch, branch, first, last, tokens, rows } = appended
    await redis.confirmRows(head, tail, ttl, limits.tailTokens, epoch, branch, first, last, tokens, rows)
  }

  async function fill(conversationId: string, filled: Tail, ttlSeconds: number | undefined): Promise<boolean> {
    const [head, tail] = keysOf(conversationId)
    const { generation, life, epoch, branch, knownFrom, last } = filled
    const value = encodeTailValue(filled)
    const place = [life, generation, epoch, branch, knownFrom, last]
    const forks = JSON.stringify(filled.forks.map((fork) => [fork.branch, fork.belowSequence]))
    return (await redis.fillTail(head, tail, ttl, ttlSeconds ?? '', ...place, value, forks)) === 1
  }

  async function drop(conversationId: string, generation: string): Promise<void> {
    await redis.dropTail(...keysOf(conversationId), generation)
  }

  async function ping(): Promise<void> {
    await redis.set(PING_KEY, '', 'PX', PING_LIFE_MS)
  }

  async function close(): Promise<void> {
    redis.disconnect()
  }

  return { readEntries, openEntry, open, mark, confirm, fill, drop, ping, close }
}

function decodeEntry(head: string | null | undefined, tailValue: string | null | undefined): CacheEntry {
  const register = decodeRegisterValue(head)
  const tail = decodeTailValue(tailValue)
  const isSound = tail && (tail.generation !== register?.generation || isAnnounced(tail, register))
  return { ...(register && { register }), ...(isSound && { tail }) }
}

/** Both keys carry one hash tag, so that a Cluster keeps them together. */
function keysOf(conversationId: string): [head: string, tail: string] {
  return [headKey(conversationId), `bs:v1:{${conversationId}}:tail`]
}

function headKey(conversationId: string): string {
  return `bs:v1:{${conversationId}}:head`
}
