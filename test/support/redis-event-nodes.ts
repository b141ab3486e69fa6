import { Cluster, Redis } from 'ioredis'
import type { ConversationEvents } from '../../src/memory/events/conversation-events.ts'
import { createRedisEvents, type RedisEventsLimits } from '../../src/memory/events/redis-events.ts'
import { createRedisChannels } from '../../src/redis/redis-channels.ts'
import { NOTHING_LOST } from './event-reader.ts'

/** One node's events with the clients that they use. */
export interface RedisEventNode {
  events: ConversationEvents
  redis: Redis | Cluster
  subscriber: Redis | Cluster
  faults: unknown[]
  /** Conversations of which events were dropped. */
  dropped: string[]
  stop(): Promise<void>
}

const LIMITS = { queuedEvents: 1_000, logTtlMs: 60_000, cursorTtlMs: 30_000, retryMs: 100, owedConversations: 1_000 }

/** A node on the Redis at `url`, or on the cluster that it belongs to, as `app` makes it but for the times. */
export function startRedisEventNode(
  url: string,
  limits: Pick<RedisEventsLimits, 'logEvents' | 'bufferEvents' | 'pollMs'> & Partial<RedisEventsLimits>,
  { commandTimeout = 5_000, cluster = false, areStored = NOTHING_LOST.areStored } = {},
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
  const dropped: string[] = []
  const onFault = (error: unknown) => void faults.push(error)
  const channels = createRedisChannels({ subscriber, onFault }, { retryMs: 100 })
  const onDrop = (conversationId: string) => void dropped.push(conversationId)
  const events = createRedisEvents({ redis, channels, areStored, onFault, onDrop }, { ...LIMITS, ...limits })
  return {
    events,
    redis,
    subscriber,
    faults,
    dropped,
    async stop() {
      await events.close()
      await channels.close()
      redis.disconnect()
    },
  }
}
