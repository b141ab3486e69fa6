import { createRedisReplyLog } from './chat/log/redis-reply-log.ts'
import type { ReplyLog } from './chat/log/reply-log.ts'
import { StartError } from './errors.ts'
import { createFaultLog, type FaultLog } from './fault-log.ts'
import type { Log } from './log.ts'
import { urlWithoutAccess } from './log-error.ts'
import type { Cache, CacheLimits } from './memory/cache/cache.ts'
import { createRedisCache } from './memory/cache/redis-cache.ts'
import type { ConversationEvents } from './memory/events/conversation-events.ts'
import type { EventCheckDeps } from './memory/events/event-check.ts'
import { createRedisEvents } from './memory/events/redis-events.ts'
import { createRedisChannels } from './redis/redis-channels.ts'
import { createRedis } from './redis/redis-connection.ts'
import { isMissingDatabase } from './redis/redis-outage.ts'
import { withTimeout } from './with-timeout.ts'

/** What may be lost at any time and is right again by what is durable. */
export interface VolatileStores {
  cache: Cache
  events: ConversationEvents
  replyLog: ReplyLog
  /** Resolves soon, whether the store answers or not; rejects with StartError where it never can. */
  prepare(): Promise<void>
}

/** What the volatile stores are made with. */
export interface VolatileDeps extends EventCheckDeps {
  log: Log
  /** Called for connections that fail and come back. */
  faults: FaultLog
}

/** Lifetimes and bounds in Redis, and how long a command may take. */
export interface RedisLimits extends CacheLimits {
  commandTimeoutMs: number
}

const EVENT_LIMITS = {
  logEvents: 1_000,
  bufferEvents: 1_000,
  pollMs: 10_000,
  queuedEvents: 1_000,
  logTtlMs: 3_600_000,
  cursorTtlMs: 300_000,
  retryMs: 1_000,
  owedConversations: 10_000,
}

/** A server that is slower, and slower than a command may be, is treated as one that is away. */
const PREPARE_MS = 500
const CHANNEL_LIMITS = { retryMs: 1_000 }

/** Cache, events and reply log on one Redis or Redis Cluster. Loaded only where Redis is configured: its driver takes 80 ms. */
export function openRedis(
  urls: readonly string[],
  { areStored, log, faults }: VolatileDeps,
  limits: RedisLimits,
): VolatileStores {
  const onFault = (error: unknown) => log.debug({ err: error }, 'a command failed')
  const drops = createFaultLog(log, { begins: 'events are dropped for resets', ends: 'events are complete again' })
  const firsts: Promise<Error | undefined>[] = []
  const connection = (name: string) => {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    firsts.push(promise)
    return {
      urls,
      commandTimeoutMs: limits.commandTimeoutMs,
      onError(error: Error) {
        faults.onFault(error, name)
        resolve(error)
      },
      onReady() {
        faults.onSuccess(name)
        resolve(undefined)
      },
    }
  }
  const redis = createRedis(connection('events'))
  // On a connection of its own no read of a context waits behind the texts of replies.
  const cache = createRedisCache(createRedis({ ...connection('cache'), hasDeadline: true }), limits)
  const subscriber = createRedis({ ...connection('channels'), isSubscriber: true })
  subscriber.on('ready', () => drops.onSuccess())
  const channels = createRedisChannels({ subscriber, onFault }, CHANNEL_LIMITS)
  const onDrop = (conversationId: string) => drops.onFault({ reason: conversationId })
  const events = createRedisEvents({ redis, channels, areStored, onFault, onDrop }, EVENT_LIMITS)
  const replyLog = createRedisReplyLog({ redis, channels, onFault })
  const close = async () => {
    await cache.close()
    redis.disconnect()
  }
  // The cache is closed last, and with it the connection that the others use.
  return { cache: { ...cache, close }, events, replyLog: closedWith(replyLog, channels), prepare }

  /** All connections: a subscriber that came before the one of its events would begin with a reset. */
  async function prepare(): Promise<void> {
    const timeoutMs = Math.max(PREPARE_MS, limits.commandTimeoutMs)
    const errors = await withTimeout(Promise.all(firsts), timeoutMs).catch(() => [])
    if (errors.some(isMissingDatabase)) {
      throw new StartError(
        `REDIS_URL names a database that this Redis does not have: ${urls.map(urlWithoutAccess).join(', ')}`,
      )
    }
  }
}

function closedWith(replyLog: ReplyLog, channels: { close(): Promise<void> }): ReplyLog {
  return {
    ...replyLog,
    async close() {
      await replyLog.close()
      await channels.close()
    },
  }
}
