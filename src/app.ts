import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Cache } from './memory/cache.ts'
import { type CacheGuard, createCacheGuard } from './memory/cache-guard.ts'
import type { ConversationEvents } from './memory/conversation-events.ts'
import { DEFAULT_ENCODING } from './memory/encoding.ts'
import type { History } from './memory/history.ts'
import { createMemory, type Memory } from './memory/memory.ts'
import { createTokenCounter, type WarmTokenCounter } from './memory/token-counter.ts'
import { createWriter, type Writer } from './memory/writer.ts'
import { openHistory } from './open-history.ts'
import { createServer, type Server } from './server.ts'

/** The whole program but its process. */
export interface App {
  /** Opens everything; returns the address that it listens on. Rejects, with nothing left open, when the history is away. */
  start(): Promise<string>
  /** Stops everything in order, each step bounded, all within SHUTDOWN_DEADLINE_MS and a second. */
  stop(): Promise<void>
}

interface Running {
  server: Server
  memory: Memory
  writer: Writer
  counter: WarmTokenCounter
  events: ConversationEvents
  guard: CacheGuard
  history: History
  sweeping: NodeJS.Timeout
}

const LOCAL_CACHE_BYTES = 64 * 1024 * 1024
const LOCAL_EVENTS = { logEvents: 1_000, bufferEvents: 1_000, conversations: 10_000 }
const SWEEP_EVERY_MS = 60_000
const CLOSE_DEADLINE_MS = 1_000
/** A message in JSON takes at most so many times its bytes, but for text that is nearly all escapes. */
const BODY_PER_MESSAGE = 4

export function createApp(config: Config, log: Log): App {
  let running: Running | undefined
  return {
    async start() {
      running = await open(config, log)
      try {
        await running.history.prepare()
        const url = await running.server.listen()
        // Loading the vocabulary holds the event loop for 150 ms, once: now, rather than under a later request.
        await running.counter.warm(DEFAULT_ENCODING)
        return url
      } catch (error) {
        await close(running, 0, log)
        throw error
      }
    },
    async stop() {
      if (running !== undefined) await close(running, config.shutdownDeadlineMs, log)
    },
  }
}

async function open(config: Config, log: Log): Promise<Running> {
  const [history, { cache, events }] = await Promise.all([openHistory(config), openCache(config, log)])
  const guard = createCacheGuard(cache, { commandTimeoutMs: config.redisCommandTimeoutMs }, guardObserver(log))
  const writer = createWriter({
    guard,
    history,
    onError: (conversationId, error) => log.warn({ conversationId, err: error }, 'background work failed'),
  })
  const counter = createTokenCounter()
  const onFill = (conversationId: string, messages: number, tokens: number) =>
    log.info({ conversationId }, `loaded ${messages} recent messages (${tokens} tokens)`)
  const memory = createMemory(
    { guard, history, writer, counter, events, now: Date.now, onFill },
    { ...cacheLimits(config), maxContextTokens: config.maxContextTokens, maxMessageBytes: config.maxMessageBytes },
  )
  const { host, port, maxMessageBytes } = config
  const server = createServer({ memory, log }, { host, port, maxBodyBytes: BODY_PER_MESSAGE * maxMessageBytes })
  return { server, memory, writer, counter, events, guard, history, sweeping: startSweeping(memory, log) }
}

async function openCache(config: Config, log: Log): Promise<{ cache: Cache; events: ConversationEvents }> {
  const limits = cacheLimits(config)
  if (config.redisUrls.length > 0) {
    const { openRedis } = await import('./open-redis.ts')
    return openRedis(config.redisUrls, { ...limits, commandTimeoutMs: config.redisCommandTimeoutMs }, log)
  }
  const [{ createLocalCache }, { createLocalEvents }] = await Promise.all([
    import('./memory/local-cache.ts'),
    import('./memory/local-events.ts'),
  ])
  const cache = createLocalCache({ ...limits, maxBytes: LOCAL_CACHE_BYTES }, Date.now)
  return { cache, events: createLocalEvents(LOCAL_EVENTS) }
}

function cacheLimits({ cacheTailTokens, cacheTtlSeconds }: Config) {
  return { tailTokens: cacheTailTokens, ttlSeconds: cacheTtlSeconds }
}

/** A fault alone is nothing but a miss; that the cache is gone, or back, is worth a line. */
function guardObserver(log: Log) {
  return {
    onFault: (operation: string, error: unknown) => log.debug({ operation, err: error }, 'cache fault'),
    onAvailable: (available: boolean) => {
      if (available) log.info('the cache is back')
      else log.warn('the cache is gone: reads go to the history')
    },
    onMarkLost: (conversationId: string) => log.warn({ conversationId }, 'no room to keep a mark for the cache'),
  }
}

/** One sweep after another; what one leaves undone the next one finds. */
function startSweeping(memory: Memory, log: Log): NodeJS.Timeout {
  let isSweeping = false
  const sweep = async () => {
    if (isSweeping) return
    isSweeping = true
    try {
      await memory.sweep()
    } catch (error) {
      log.warn({ err: error }, 'sweep failed')
    }
    isSweeping = false
  }
  return setInterval(() => void sweep(), SWEEP_EVERY_MS).unref()
}

/** The server first, since it hands work to the writer, and the stores last, since the writer writes to them. */
async function close(running: Running, deadlineMs: number, log: Log): Promise<void> {
  const { server, writer, counter, events, guard, history, sweeping } = running
  const end = performance.now() + deadlineMs
  const half = () => Math.max(0, (end - performance.now()) / 2)
  clearInterval(sweeping)
  await server.close(half())
  await writer.drain(half())
  for (const part of [counter, events, guard, history]) {
    try {
      await Promise.race([part.close(), delay(CLOSE_DEADLINE_MS / 4, undefined, { ref: false })])
    } catch (error) {
      log.warn({ err: error }, 'closing failed')
    }
  }
}
