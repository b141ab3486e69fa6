import { Cluster, Redis } from 'ioredis'
import { expect, vi } from 'vitest'
import { createRedisReplyLog, REPLY_LOG_LIMITS, type RedisReplyLogLimits } from '../../src/chat/log/redis-reply-log.ts'
import type { ReplyLog } from '../../src/chat/log/reply-log.ts'
import { createRedisChannels, type RedisChannels } from '../../src/redis/redis-channels.ts'

/** One node's reply log with the clients that it uses. */
export interface RedisReplyNode {
  log: ReplyLog
  channels: RedisChannels
  redis: Redis | Cluster
  subscriber: Redis | Cluster
  faults: unknown[]
  /** How often text was sent, and how much of it. */
  sent: { commands: number; units: number }
  stop(): Promise<void>
}

export interface RedisReplyNodeOptions extends Partial<RedisReplyLogLimits> {
  commandTimeout?: number
  cluster?: boolean
}

/** A node on the Redis at `url`, or on the cluster that it belongs to, as `app` makes it but for the times. */
export async function startRedisReplyNode(url: string, settings: RedisReplyNodeOptions = {}): Promise<RedisReplyNode> {
  const { commandTimeout = 5_000, cluster = false, ...limits } = settings
  const redis = createClient(url, commandTimeout, cluster)
  const subscriber = createClient(url, commandTimeout, cluster)
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push(error)
  const channels = createRedisChannels({ subscriber, onFault }, { retryMs: 100 })
  const times = { ...REPLY_LOG_LIMITS, retryMs: 20, pauseMs: 100, ...limits }
  const log = createRedisReplyLog({ redis, channels, onFault }, times)
  const sent = countTexts(redis)
  await vi.waitFor(() => expect([redis.status, subscriber.status]).toEqual(['ready', 'ready']), { timeout: 60_000 })
  return {
    log,
    channels,
    redis,
    subscriber,
    faults,
    sent,
    async stop() {
      await log.close()
      await channels.close()
      redis.disconnect()
    },
  }
}

function createClient(url: string, commandTimeout: number, cluster: boolean): Redis | Cluster {
  const options = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout,
    retryStrategy: () => 50,
  }
  const client = cluster
    ? new Cluster([url], { enableOfflineQueue: false, shardedSubscribers: true, redisOptions: options })
    : new Redis(url, options)
  return client.on('error', () => undefined)
}

function countTexts(redis: Redis | Cluster): RedisReplyNode['sent'] {
  const sent = { commands: 0, units: 0 }
  const append = redis.appendReplyText.bind(redis)
  redis.appendReplyText = (key: string, publish: string, ttlMs: number, offset: number, end: number, chunk: string) => {
    sent.commands += 1
    sent.units += end - offset
    return append(key, publish, ttlMs, offset, end, chunk)
  }
  return sent
}
