import { randomUUID } from 'node:crypto'
import type { Command } from 'ioredis'
import { MongoClient } from 'mongodb'
import { inject, onTestFinished, vi } from 'vitest'
import type { Cache } from '../../src/memory/cache/cache.ts'
import { type CacheGuard, type CacheGuardLimits, createCacheGuard } from '../../src/memory/cache/cache-guard.ts'
import { createLocalCache } from '../../src/memory/cache/local-cache.ts'
import { createRedisCache } from '../../src/memory/cache/redis-cache.ts'
import { createLocalEvents } from '../../src/memory/events/local-events.ts'
import type { History } from '../../src/memory/history/history.ts'
import { mongoClientOptions } from '../../src/memory/history/mongo/mongo-database.ts'
import { createMongoHistory } from '../../src/memory/history/mongo/mongo-history.ts'
import { createMongoReplies } from '../../src/memory/history/mongo/mongo-replies.ts'
import { createSqliteDatabase } from '../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../src/memory/history/sqlite/sqlite-replies.ts'
import { createMemory, type Memory, type MemoryLimits } from '../../src/memory/memory.ts'
import type { TokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { createWriter, type Writer } from '../../src/memory/writer.ts'
import type { DurableStores } from '../../src/open-history.ts'
import { createRedis } from '../../src/redis/redis-connection.ts'
import { type RecordedCache, recordCache } from '../memory/cache/recorded-cache.ts'
import { NOTHING_LOST } from './event-reader.ts'
import { plainCounter } from './plain-counter.ts'
import { type RecordedHistory, recordHistory } from './recorded-history.ts'

/** Memory as one node of a server has it, on real stores, with all that it sends counted. */
export interface MemoryNode {
  memory: Memory
  history: RecordedHistory
  cache: RecordedCache
  guard: CacheGuard
  writer: Writer
  traffic: Traffic
  /** Waits until what comes after the responses is written, too. */
  settle(): Promise<void>
  /** Begins to count anew. */
  resetCounts(): void
}

/** What went over the wires since the last `resetCounts`. */
export interface Traffic {
  /** Names of the commands; what the clients send to keep house is not among them. */
  redis: string[]
  mongodb: string[]
  /** Documents that MongoDB returned. */
  documents: number
}

export interface MemoryNodeOptions {
  /** Of a server and a database, or the path of a file; without it an embedded history of its own. */
  history?: { mongodbUrl: string } | { sqlitePath: string }
  /** Without it the node has its own cache in process. */
  redisUrl?: string
  counter?: TokenCounter
  now?: () => number
  /** May replace methods of the history, below what is counted. */
  change?: (history: History) => Partial<History>
}

/** The command timeout is long: what is counted must not depend on how busy the machine is. */
const LIMITS = {
  tailTokens: 8_000,
  ttlSeconds: 600,
  maxContextTokens: 200_000,
  maxMessageBytes: 1_048_576,
  commandTimeoutMs: 5_000,
}
const EVENT_LIMITS = { logEvents: 100, bufferEvents: 100, pollMs: 3_600_000, conversations: 100 }
const CONNECT_MS = 10_000

/** A node that lives as long as the test; many nodes may share the stores. */
export async function startMemoryNode(
  options: MemoryNodeOptions = {},
  limits: Partial<MemoryLimits & CacheGuardLimits> = {},
): Promise<MemoryNode> {
  const { redisUrl, counter = plainCounter, now = Date.now, change = () => ({}) } = options
  const allLimits = { ...LIMITS, ...limits }
  const traffic: Traffic = { redis: [], mongodb: [], documents: 0 }
  const stores = openStores(options, now, traffic)
  const history = recordHistory(stores.history, change)
  await history.prepare()
  await stores.records.prepare()
  const rawCache = redisUrl === undefined ? undefined : await openRedis(redisUrl, allLimits, traffic)
  const cache = recordCache(rawCache ?? createLocalCache({ ...allLimits, maxBytes: 100_000_000 }, now))
  const observer = { onFault() {}, onAvailable() {}, onMarkLost() {} }
  const guard = createCacheGuard(cache, allLimits, observer)
  const writer = createWriter({ guard, history, onError() {} })
  const events = createLocalEvents(NOTHING_LOST, EVENT_LIMITS)
  const { records } = stores
  const memory = createMemory(
    { guard, history, records, eraseReplyText: async () => true, writer, counter, events, now, onFill() {} },
    allLimits,
  )
  onTestFinished(async () => {
    cache.before = () => {}
    await writer.drain(1_000)
    await guard.close()
    await history.close()
  })
  const resetCounts = () => {
    Object.assign(traffic, { redis: [], mongodb: [], documents: 0 })
    history.resetCounts()
    cache.calls.length = 0
  }
  resetCounts()
  return { memory, history, cache, guard, writer, traffic, settle: () => writer.drain(60_000), resetCounts }
}

/** A database of the test's own on the shared server. */
export function newMongodb(serverUrl: string = inject('mongodbUrl')): { mongodbUrl: string } {
  const url = new URL(serverUrl)
  url.pathname = `memory-${randomUUID()}`
  return { mongodbUrl: url.href }
}

function openStores({ history }: MemoryNodeOptions, now: () => number, traffic: Traffic): DurableStores {
  if (history === undefined || 'sqlitePath' in history) {
    const database = createSqliteDatabase(history?.sqlitePath ?? ':memory:')
    return { history: createSqliteHistory(database, now), records: createSqliteReplies(database) }
  }
  const { mongodbUrl } = history
  const client = new MongoClient(mongodbUrl, { ...mongoClientOptions(mongodbUrl), monitorCommands: true })
  client.on('commandStarted', ({ commandName }) => traffic.mongodb.push(commandName))
  client.on('commandSucceeded', ({ reply }) => {
    traffic.documents += documentsIn(reply)
  })
  return { history: createMongoHistory(client, { now }), records: createMongoReplies(client) }
}

function documentsIn(reply: unknown): number {
  const { cursor } = Object(reply) as { cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] } }
  return (cursor?.firstBatch ?? cursor?.nextBatch ?? []).length
}

async function openRedis(
  url: string,
  limits: MemoryLimits & { commandTimeoutMs: number },
  traffic: Traffic,
): Promise<Cache> {
  const redis = createRedis({
    urls: [url],
    commandTimeoutMs: limits.commandTimeoutMs,
    onError: () => {},
    hasDeadline: true,
  })
  const cache = createRedisCache(redis, limits)
  await vi.waitFor(() => cache.ping(), CONNECT_MS)
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command: Command, ...rest: []) => {
    if (isOfUser(command.name)) traffic.redis.push(command.name)
    return send(command, ...rest)
  }
  return cache
}

/** A client introduces itself on every connection. */
function isOfUser(command: string): boolean {
  return !['info', 'client', 'hello', 'select', 'auth'].includes(command)
}
