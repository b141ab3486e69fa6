import { MongoClient } from 'mongodb'
import type { Cache, CacheLimits } from '../../src/memory/cache.ts'
import { type CacheGuard, createCacheGuard } from '../../src/memory/cache-guard.ts'
import { DEFAULT_ENCODING } from '../../src/memory/encoding.ts'
import type { History } from '../../src/memory/history.ts'
import { createLocalCache } from '../../src/memory/local-cache.ts'
import { createLocalEvents } from '../../src/memory/local-events.ts'
import { createMemory, type Memory } from '../../src/memory/memory.ts'
import { mongoClientOptions } from '../../src/memory/mongo-client-options.ts'
import { createMongoHistory } from '../../src/memory/mongo-history.ts'
import { createRedisCache } from '../../src/memory/redis-cache.ts'
import { createRedis } from '../../src/memory/redis-connection.ts'
import { createSqliteHistory } from '../../src/memory/sqlite-history.ts'
import { createTokenCounter, type TokenCounter } from '../../src/memory/token-counter.ts'
import { createWriter } from '../../src/memory/writer.ts'
import type { Grounds } from './grounds.ts'

/** A memory as `app` puts it together, with the parts that a row needs to reach. */
export interface Stage {
  memory: Memory
  history: History
  counter: TokenCounter
  guard: CacheGuard
  /** Waits for the background, then drops what is cached of a conversation. */
  forget(conversationId: string): Promise<void>
  /** Waits for the background. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** The defaults of the configuration. */
const LIMITS = { tailTokens: 8_000, ttlSeconds: 86_400, maxContextTokens: 200_000, maxMessageBytes: 1_048_576 }
const LOCAL_CACHE_BYTES = 64 * 1024 * 1024
/** Longer than the default of 50 ms: on a loaded machine a command may take that long, and a fault is no read. */
const COMMAND_TIMEOUT_MS = 2_000
const DRAIN_DEADLINE_MS = 10_000

/** On MongoDB, in a database of its own, and Redis. */
export async function openServerStage(grounds: Grounds, database: string): Promise<Stage> {
  const history = createMongoHistory(new MongoClient(await databaseUrl(grounds, database), mongoClientOptions()))
  return openStage(history, await openRedisCache(grounds))
}

/** On a file of SQLite and the cache in process. */
export async function openEmbeddedStage(grounds: Grounds): Promise<Stage> {
  const cache = createLocalCache({ ...LIMITS, maxBytes: LOCAL_CACHE_BYTES }, Date.now)
  return openStage(createSqliteHistory(`${await grounds.directory()}/bench.db`), cache)
}

/** On SQLite in memory and Redis: where the history is not what is measured. */
export async function openRedisStage(grounds: Grounds, limits: Partial<CacheLimits> = {}): Promise<Stage> {
  return openStage(createSqliteHistory(':memory:'), await openRedisCache(grounds, limits), limits)
}

/** The URL of a database of the shared MongoDB. */
export async function databaseUrl(grounds: Grounds, database: string): Promise<string> {
  const url = new URL(await grounds.mongodbUrl())
  url.pathname = `/${database}`
  return url.href
}

async function openRedisCache(grounds: Grounds, limits: Partial<CacheLimits> = {}): Promise<Cache> {
  const redis = createRedis({ urls: [await grounds.redisUrl()], commandTimeoutMs: COMMAND_TIMEOUT_MS, onError() {} })
  const { promise, resolve } = Promise.withResolvers<void>()
  redis.once('ready', resolve)
  await promise
  return createRedisCache(redis, { ...LIMITS, ...limits })
}

async function openStage(history: History, cache: Cache, limits: Partial<CacheLimits> = {}): Promise<Stage> {
  const onFault = (operation: string, error: unknown) => console.warn(`cache fault at ${operation}:`, error)
  const observer = { onFault, onAvailable() {}, onMarkLost() {} }
  const guard = createCacheGuard(cache, { commandTimeoutMs: COMMAND_TIMEOUT_MS }, observer)
  const writer = createWriter({ guard, history, onError: (id, error) => console.warn(`background of ${id}:`, error) })
  const counter = createTokenCounter()
  const events = createLocalEvents({ logEvents: 100, bufferEvents: 100, conversations: 100 })
  const records = { remove: async () => 0 }
  const parts = { guard, history, records, writer, counter, events, now: Date.now, onFill() {} }
  const memory = createMemory(parts, { ...LIMITS, ...limits })
  await history.prepare()
  await counter.warm(DEFAULT_ENCODING)
  return {
    memory,
    history,
    counter,
    guard,
    async forget(conversationId) {
      await writer.drain(DRAIN_DEADLINE_MS)
      await guard.drop(conversationId)
    },
    drain: () => writer.drain(DRAIN_DEADLINE_MS),
    async close() {
      await writer.drain(DRAIN_DEADLINE_MS)
      await Promise.all([counter.close(), events.close(), guard.close()])
      await history.close()
    },
  }
}
