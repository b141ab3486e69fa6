import { createRedisReplyLog } from './chat/log/redis-reply-log.ts'
import type { ReplyLog } from './chat/log/reply-log.ts'
import type { Log } from './log.ts'
import type { Cache, CacheLimits } from './memory/cache/cache.ts'
import { createRedisCache } from './memory/cache/redis-cache.ts'
import type { ConversationEvents } from './memory/events/conversation-events.ts'
import type { EventCheckDeps } from './memory/events/event-check.ts'
import { createRedisEvents } from './memory/events/redis-events.ts'
import { createRedisChannels } from './redis/redis-channels.ts'
import { createRedis } from './redis/redis-connection.ts'

/** What may be lost at any time and is right again by what is durable. */
export interface VolatileStores {
  cache: Cache
  events: ConversationEvents
  replyLog: ReplyLog
}

/** What the volatile stores are made with. */
export interface VolatileDeps extends EventCheckDeps {
  log: Log
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

const CHANNEL_LIMITS = { retryMs: 1_000 }

/** Cache, events and reply log on one Redis or Redis Cluster. Loaded only where Redis is configured: its driver takes 80 ms. */
export function openRedis(
  urls: readonly string[],
  { areStored, log }: VolatileDeps,
  limits: RedisLimits,
): VolatileStores {
  const onError = (error: unknown) => log.debug({ err: error }, 'redis failed')
  const connection = { urls, commandTimeoutMs: limits.commandTimeoutMs, onError }
  const redis = createRedis(connection)
  // On a connection of its own no read of a context waits behind the texts of replies.
  const cache = createRedisCache(createRedis({ ...connection, hasDeadline: true }), limits)
  const subscriber = createRedis({ ...connection, isSubscriber: true })
  const channels = createRedisChannels({ subscriber, onFault: onError }, CHANNEL_LIMITS)
  const onDrop = (conversationId: string) => log.warn({ conversationId }, 'events were dropped')
  const events = createRedisEvents({ redis, channels, areStored, onFault: onError, onDrop }, EVENT_LIMITS)
  const replyLog = createRedisReplyLog({ redis, channels, onFault: onError })
  const close = async () => {
    await cache.close()
    redis.disconnect()
  }
  // The cache is closed last, and with it the connection that the others use.
  return { cache: { ...cache, close }, events, replyLog: closedWith(replyLog, channels) }
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
