import { Cluster, Redis } from 'ioredis'
import type { ConversationEvents } from '../../src/memory/events/conversation-events.ts'
import { createRedisEvents, type RedisEventsLimits } from '../../src/memory/events/redis-events.ts'

/** One node's events with the clients that they use. */
export interface RedisEventNode {
  events: ConversationEvents
  redis: Redis | Cluster
  subscriber: Redis | Cluster
  faults: unknown[]
  stop(): Promise<void>
}

const LIMITS = { logTtlMs: 60_000, retryMs: 100, owedConversations: 1_000 }

/** A node on the Redis at `url`, or on the cluster that it belongs to, as `app` makes it but for the times. */
export function startRedisEventNode(
  url: string,
  limits: Pick<RedisEventsLimits, 'logEvents' | 'bufferEvents' | 'checkMs'>,
  { commandTimeout = 5_000, cluster = false } = {},
): RedisEventNode {
  const options = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    commandTimeout,
    retryStrategy: () => 50,
  }
  const create = () => {
    const client = cluster
      ? new Cluster([url], { enableOfflineQueue: false, shardedSubscribers: true, redisOptions: options })
      : new Redis(url, options)
    return client.on('error', () => undefined)
  }
  const redis = create()
  const subscriber = create()
  const faults: unknown[] = []
  const deps = { redis, createSubscriber: () => subscriber, onFault: (error: unknown) => faults.push(error) }
  const events = createRedisEvents(deps, { ...LIMITS, ...limits })
  return {
    events,
    redis,
    subscriber,
    faults,
    async stop() {
      await events.close()
      redis.disconnect()
    },
  }
}
