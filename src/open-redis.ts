import type { Log } from './log.ts'
import type { Cache, CacheLimits } from './memory/cache.ts'
import type { ConversationEvents } from './memory/conversation-events.ts'
import { createRedisCache } from './memory/redis-cache.ts'
import { createRedis } from './memory/redis-connection.ts'
import { createRedisEvents } from './memory/redis-events.ts'

export interface RedisLimits extends CacheLimits {
  commandTimeoutMs: number
}

const EVENT_LIMITS = {
  logEvents: 1_000,
  bufferEvents: 1_000,
  logTtlMs: 3_600_000,
  checkMs: 10_000,
  retryMs: 1_000,
  owedConversations: 10_000,
}

/** Cache and events on one Redis or Redis Cluster. Loaded only where Redis is configured: its driver takes 80 ms. */
export function openRedis(
  urls: readonly string[],
  limits: RedisLimits,
  log: Log,
): { cache: Cache; events: ConversationEvents } {
  const onError = (error: unknown) => log.debug({ err: error }, 'redis failed')
  const connection = { urls, commandTimeoutMs: limits.commandTimeoutMs, onError }
  const redis = createRedis(connection)
  const createSubscriber = () => createRedis({ ...connection, isSubscriber: true })
  const events = createRedisEvents({ redis, createSubscriber, onFault: onError }, EVENT_LIMITS)
  return { cache: createRedisCache(redis, limits), events }
}
