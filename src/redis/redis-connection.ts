import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { createReconnectRule, isMissingDatabase } from './redis-outage.ts'

/** Where a Redis is, and how a client of it behaves. */
export interface RedisConnection {
  /** One URL, or several nodes of one cluster. */
  urls: readonly string[]
  commandTimeoutMs: number
  /** Called for every failed attempt to connect, also for one that was closed without a word; the client retries for ever. */
  onError(error: Error): void
  /** Called whenever the client is connected and served. */
  onReady?(): void
  /** For a connection with subscriptions: after a reconnect its user subscribes again, to what is wanted by then. */
  isSubscriber?: boolean
  /** Callers have a deadline, as the cache guard has: the client's own, one more timer a command, is left out. */
  hasDeadline?: boolean
}

const LONGEST_RETRY_MS = 1_000
const CONNECT_TIMEOUT_MS = 2_000

/**
 * Options under which a Redis that is gone or hangs costs nothing but its answers: commands fail at
 * once while there is no connection, none is sent twice, and a connection that hangs is replaced, so
 * that no queue grows.
 */
function redisOptions({ commandTimeoutMs, isSubscriber = false, hasDeadline = false }: RedisConnection) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: !isSubscriber,
    ...(!hasDeadline && { commandTimeout: 2 * commandTimeoutMs }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: Math.max(CONNECT_TIMEOUT_MS, 4 * commandTimeoutMs),
    keepAlive: 10_000,
    retryStrategy,
    reconnectOnError: createReconnectRule(performance.now.bind(performance)),
  } satisfies RedisOptions
}

/** A client that connects in the background and for ever; until it has, its commands fail at once. */
export function createRedis(connection: RedisConnection): Redis | Cluster {
  const { urls, onError, onReady = () => {}, isSubscriber = false } = connection
  const [first = ''] = urls
  const options = redisOptions(connection)
  const redis = urls.length > 1 ? createCluster(urls, options, isSubscriber) : new Redis(first, options)
  /** Of the attempt under way: whether it has ended well, or with an error of its own. */
  let isJudged = false
  redis.on('error', (error: Error) => {
    isJudged = true
    onError(error)
    // The client goes on with the database 0, which is another one than was meant.
    if (isMissingDatabase(error)) redis.disconnect(true)
  })
  redis.on('ready', () => {
    isJudged = true
    onReady()
  })
  // A proxy without its Redis, or a server that wants TLS, closes and says nothing.
  redis.on('close', () => {
    if (!isJudged) onError(new Error('The connection was closed'))
    isJudged = false
  })
  // `onError` gets what a failed attempt is rejected with, and the next one follows.
  redis.connect().catch(() => undefined)
  return redis
}

function createCluster(
  urls: readonly string[],
  options: ReturnType<typeof redisOptions>,
  shardedSubscribers: boolean,
): Cluster {
  const { username, password, protocol } = new URL(urls[0] ?? '')
  const access = {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
  return new Cluster([...urls], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    shardedSubscribers,
    redisOptions: { ...options, ...access },
  })
}

function retryStrategy(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_RETRY_MS)
}
