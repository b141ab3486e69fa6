import type { ReplyLog } from './chat/log/reply-log.ts'
import type { Config } from './config.ts'
import { createFaultLog, type FaultLog, logFault, reasonOf, reportFaults } from './fault-log.ts'
import type { Log } from './log.ts'
import { type CacheGuard, createCacheGuard } from './memory/cache/cache-guard.ts'
import type { ConversationEvents } from './memory/events/conversation-events.ts'
import type { History } from './memory/history/history.ts'
import type { ReplyRecords } from './memory/history/reply-record.ts'
import { createMemory, type Memory } from './memory/memory.ts'
import { createTokenCounter, type WarmTokenCounter } from './memory/tokens/token-counter.ts'
import { createWriter, type Writer } from './memory/writer.ts'
import { type DurableStores, openHistory, type StoreUser } from './open-history.ts'
import type { VolatileDeps, VolatileStores } from './open-redis.ts'
import { COMMANDS, createRedisFaultLog } from './redis-fault-log.ts'
import { withTimeout } from './with-timeout.ts'

/** The memory on the stores that are configured, with what it is made of. */
export interface OpenMemory {
  memory: Memory
  history: History
  records: ReplyRecords
  guard: CacheGuard
  writer: Writer
  counter: WarmTokenCounter
  events: ConversationEvents
  replyLog: ReplyLog
  /** Connects and creates what is missing in the stores; rejects when they are away, and `close` is due all the same. */
  prepare(): Promise<void>
  /** Drains the writer, at most `deadlineMs`, then closes the stores within a second. Never rejects. */
  close(deadlineMs: number): Promise<void>
}

const LOCAL_CACHE_BYTES = 64 * 1024 * 1024
const LOCAL_EVENTS = { logEvents: 1_000, bufferEvents: 1_000, pollMs: 10_000, conversations: 10_000 }
const CLOSE_DEADLINE_MS = 1_000
/** So long may a node that only reads believe its hits while Redis takes no marks. */
const WATCH_MS = 1_000
/** Longer than any retry waits, so that what fails on and off is one fault. */
const HISTORY_QUIET_MS = 10_000

/** Makes all of it. Nothing but Redis is connected to before `prepare`. */
export async function openMemory(config: Config, log: Log, user: StoreUser = 'COMMAND'): Promise<OpenMemory> {
  const durable = await openHistory(config, log, user)
  try {
    return await openAround(durable, config, log)
  } catch (error) {
    await durable.history.close()
    throw error
  }
}

async function openAround(durable: DurableStores, config: Config, log: Log): Promise<OpenMemory> {
  const lines = { begins: 'the history fails', ends: 'the history is back', quietMs: HISTORY_QUIET_MS }
  const faults = createFaultLog(log, lines)
  const history = reportFaults(durable.history, faults)
  const records = reportFaults(durable.records, faults)
  const cacheFaults = createRedisFaultLog(log, config.redisUrls)
  const areStored = async (ids: readonly string[]) =>
    (await history.findMessages(ids)).map((message) => message !== undefined)
  const {
    cache,
    events,
    replyLog,
    prepare: prepareVolatile,
  } = await openVolatile(config, { areStored, log, faults: cacheFaults })
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: config.redisCommandTimeoutMs, watchIntervalMs: WATCH_MS },
    guardObserver(log, cacheFaults),
  )
  const writer = createWriter({
    guard,
    history,
    onError: (conversationId, error) => logFault(log, { conversationId, err: error }, 'background work failed'),
  })
  const counter = createTokenCounter()
  const onFill = (conversationId: string, messages: number, tokens: number) =>
    log.debug({ conversationId }, `loaded ${messages} recent messages (${tokens} tokens)`)
  const memory = createMemory(
    { guard, history, records, eraseReplyText: replyLog.erase, writer, counter, events, now: Date.now, onFill },
    { ...cacheLimits(config), maxContextTokens: config.maxContextTokens, maxMessageBytes: config.maxMessageBytes },
  )
  const deps = { history, records, guard, writer, counter, events, replyLog }
  const prepare = async () => {
    await history.prepare()
    await records.prepare()
    await prepareVolatile()
  }
  return { memory, ...deps, prepare, close: (deadlineMs) => close(deps, deadlineMs, log) }
}

async function openVolatile(config: Config, deps: VolatileDeps): Promise<VolatileStores> {
  const limits = cacheLimits(config)
  if (config.redisUrls.length > 0) {
    const { openRedis } = await import('./open-redis.ts')
    return openRedis(config.redisUrls, deps, { ...limits, commandTimeoutMs: config.redisCommandTimeoutMs })
  }
  const [{ createLocalCache }, { createLocalEvents }, { createLocalReplyLog }] = await Promise.all([
    import('./memory/cache/local-cache.ts'),
    import('./memory/events/local-events.ts'),
    import('./chat/log/local-reply-log.ts'),
  ])
  const cache = createLocalCache({ ...limits, maxBytes: LOCAL_CACHE_BYTES }, Date.now)
  const onFault = (error: unknown) => deps.log.debug({ err: error }, 'events could not be compared with the history')
  const events = createLocalEvents({ areStored: deps.areStored, onFault }, LOCAL_EVENTS)
  return { cache, events, replyLog: createLocalReplyLog(), prepare: async () => {} }
}

function cacheLimits({ cacheTailTokens, cacheTtlSeconds }: Config) {
  return { tailTokens: cacheTailTokens, ttlSeconds: cacheTtlSeconds }
}

/** A fault alone is nothing but a miss; that the cache is gone, or back, is worth a line. */
function guardObserver(log: Log, faults: FaultLog) {
  return {
    onFault: (operation: string, error: unknown) => log.debug({ operation, err: error }, 'cache fault'),
    onAvailable: (available: boolean, fault?: unknown) =>
      available ? faults.onSuccess(COMMANDS) : faults.onFault(fault, COMMANDS),
    onMarkLost: (conversationId: string) => log.warn({ conversationId }, 'no room to keep a mark for the cache'),
  }
}

/** The stores last, since the writer writes to them. */
async function close(
  deps: Omit<OpenMemory, 'memory' | 'prepare' | 'close'>,
  deadlineMs: number,
  log: Log,
): Promise<void> {
  const { writer, counter, events, replyLog, guard, history } = deps
  await writer.drain(deadlineMs)
  for (const [name, each] of Object.entries({ counter, events, replyLog, guard, history })) {
    try {
      await withTimeout(each.close(), CLOSE_DEADLINE_MS / 5)
    } catch (error) {
      log.warn({ of: name, reason: reasonOf(error) }, 'closing failed')
    }
  }
}
