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
import { decodeRegisterValue, decodeTailValue, encodeTailValue } from './cache-format.ts'
import { CONFIRM_SCRIPT, FILL_SCRIPT, MARK_SCRIPT, OPEN_SCRIPT } from './redis-scripts.ts'

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
      tailTtl: number,
      ...filled: (string | number)[]
    ): Result<number, Context>
  }
}

/** The cache on a Redis or a Redis Cluster, version 7 or later. One round trip a method; `close` closes the client. */
export function createRedisCache(redis: Redis | Cluster, limits: CacheLimits): Cache {
  redis.defineCommand('openRegister', { numberOfKeys: 1, lua: OPEN_SCRIPT })
  redis.defineCommand('markRegister', { numberOfKeys: 1, lua: MARK_SCRIPT })
  redis.defineCommand('confirmRows', { numberOfKeys: 2, lua: CONFIRM_SCRIPT })
  redis.defineCommand('fillTail', { numberOfKeys: 2, lua: FILL_SCRIPT })
  const ttl = limits.ttlSeconds + REGISTER_EXTRA_SECONDS

  return {
    async readEntries(conversationIds) {
      if (redis instanceof Cluster) return Promise.all(conversationIds.map((id) => readEntry(redis, id)))
      if (conversationIds.length === 0) return []
      const values = await redis.mget(conversationIds.flatMap(keysOf))
      return conversationIds.map((_, index) => decodeEntry(values[2 * index], values[2 * index + 1]))
    },
    async open(conversationId, generation) {
      const register = decodeRegisterValue(
        await redis.openRegister(headKey(conversationId), OPENED_SECONDS, generation),
      )
      if (register === undefined) throw new TypeError(`The register of ${conversationId} cannot be read`)
      return register
    },
    async mark(conversationId: string, { epoch, branch, sequence }: Mark, generation: string) {
      await redis.markRegister(headKey(conversationId), ttl, generation, epoch, branch, sequence)
    },
    async confirm(conversationId: string, { epoch, branch, first, last, tokens, rows }: AppendedRows) {
      const [head, tail] = keysOf(conversationId)
      await redis.confirmRows(head, tail, ttl, limits.tailTokens, epoch, branch, first, last, tokens, rows)
    },
    async fill(conversationId: string, filled: Tail, ttlSeconds: number) {
      const [head, tail] = keysOf(conversationId)
      const { generation, epoch, branch, knownFrom, last } = filled
      const value = encodeTailValue(filled)
      return (
        (await redis.fillTail(head, tail, ttl, ttlSeconds, generation, epoch, branch, knownFrom, last, value)) === 1
      )
    },
    async drop(conversationId) {
      await redis.del(keysOf(conversationId))
    },
    async ping() {
      await redis.ping()
    },
    async close() {
      redis.disconnect()
    },
  }
}

async function readEntry(redis: Cluster, conversationId: string): Promise<CacheEntry> {
  const [head, tail] = await redis.mget(keysOf(conversationId))
  return decodeEntry(head, tail)
}

function decodeEntry(head: string | null | undefined, tailValue: string | null | undefined): CacheEntry {
  const register: Register | undefined = decodeRegisterValue(head)
  const tail = decodeTailValue(tailValue)
  return { ...(register && { register }), ...(tail && { tail }) }
}

/** Both keys carry one hash tag, so that a Cluster keeps them together. */
function keysOf(conversationId: string): [head: string, tail: string] {
  return [headKey(conversationId), `bs:v1:{${conversationId}}:tail`]
}

function headKey(conversationId: string): string {
  return `bs:v1:{${conversationId}}:head`
}
