import type { Cluster, Redis } from 'ioredis'
import PQueue from 'p-queue'

/** What a subscriber of a channel is called with. */
export interface ChannelHandlers {
  onMessage(message: string): void
  /** The channel is subscribed now: the first time, and again after every gap, in which messages may be missing. */
  onSubscribed(): void
}

/** Channels of Redis on one connection: each is subscribed once, however many use it, and unsubscribed with the last. */
export interface RedisChannels {
  /** Subscribes until the returned function is called; retries until it succeeds. */
  subscribe(channel: string, handlers: ChannelHandlers): () => void
  /** Subscribes again to what seems to carry nothing any more. */
  resubscribe(channel: string): void
  /** Calls the subscribers of this node only: for what Redis could not carry. */
  publishLocally(channel: string, message: string): void
  close(): Promise<void>
}

/** The connection, and who is called of its faults. */
export interface RedisChannelsDeps {
  /**
   * The one connection that is subscribed, closed by `close`: without an offline queue and with
   * `autoResubscribe: false`; for a Cluster with `shardedSubscribers: true`.
   */
  subscriber: Redis | Cluster
  /** Called for every subscription that failed; it is retried. */
  onFault(error: unknown): void
}

/** Times of the channels. */
export interface RedisChannelsLimits {
  /** How long after a failure a subscription is retried. */
  retryMs: number
}

interface Channel {
  handlers: Set<ChannelHandlers>
  isSubscribed: boolean
}

/** So that a reconnect with thousands of channels does not itself run into the command timeout. */
const SUBSCRIPTIONS_AT_ONCE = 50

/** Sharded channels on a Cluster (Redis 7), plain ones elsewhere. */
export function createRedisChannels(
  { subscriber, onFault }: RedisChannelsDeps,
  { retryMs }: RedisChannelsLimits,
): RedisChannels {
  const channels = new Map<string, Channel>()
  const subscriptions = new PQueue({ concurrency: SUBSCRIPTIONS_AT_ONCE })
  let connections = 0
  let retry: NodeJS.Timeout | undefined
  let closed = false

  subscriber.on('ready', resubscribeAll)
  // A Cluster stays ready while its subscribed connections are replaced.
  subscriber.on('subscribersReady', resubscribeAll)
  subscriber.on(subscriber.isCluster ? 'smessage' : 'message', receive)

  function resubscribeAll(): void {
    connections += 1
    subscriptions.clear()
    for (const channel of channels.values()) channel.isSubscribed = false
    subscribeMissing()
  }

  function resubscribe(name: string): void {
    const channel = channels.get(name)
    if (channel === undefined || !channel.isSubscribed) return
    channel.isSubscribed = false
    void subscriptions.add(() => subscribeChannel(name, channel))
  }

  function receive(name: string, message: string): void {
    // A Cluster client subscribes by itself again to what was unsubscribed while it had no connection.
    if (channels.has(name)) publishLocally(name, message)
    else unsubscribeChannel(name)
  }

  function subscribeMissing(): void {
    for (const [name, channel] of channels) {
      if (!channel.isSubscribed) void subscriptions.add(() => subscribeChannel(name, channel))
    }
  }

  async function subscribeChannel(name: string, channel: Channel): Promise<void> {
    // It may have waited in the queue.
    if (channels.get(name) !== channel || channel.isSubscribed) return
    const connection = connections
    try {
      await (subscriber.isCluster ? subscriber.ssubscribe(name) : subscriber.subscribe(name))
      // Another connection by now subscribes anew, or another attempt has succeeded.
      if (connection !== connections || channel.isSubscribed) return
      channel.isSubscribed = true
      for (const { onSubscribed } of channel.handlers) onSubscribed()
    } catch (error) {
      if (closed) return
      onFault(error)
      scheduleRetry()
    }
  }

  function scheduleRetry(): void {
    retry ??= setTimeout(() => {
      retry = undefined
      // Without a connection it would fail; with the next one all are subscribed anyway.
      if (subscriber.status === 'ready') subscribeMissing()
    }, retryMs).unref()
  }

  function openChannel(name: string): Channel {
    const channel: Channel = { handlers: new Set(), isSubscribed: false }
    channels.set(name, channel)
    void subscribeChannel(name, channel)
    return channel
  }

  function unsubscribeChannel(name: string): void {
    // Without a connection there is no subscription either.
    const unsubscribed = subscriber.isCluster ? subscriber.sunsubscribe(name) : subscriber.unsubscribe(name)
    unsubscribed.catch(() => undefined)
  }

  function publishLocally(name: string, message: string): void {
    for (const { onMessage } of channels.get(name)?.handlers ?? []) onMessage(message)
  }

  function subscribe(name: string, { onMessage, onSubscribed }: ChannelHandlers): () => void {
    if (closed) return () => undefined
    const channel = channels.get(name) ?? openChannel(name)
    // An object of its own, so that the same handlers may subscribe twice.
    const handlers = { onMessage, onSubscribed }
    channel.handlers.add(handlers)
    if (channel.isSubscribed) queueMicrotask(() => channel.handlers.has(handlers) && onSubscribed())
    return () => {
      if (!channel.handlers.delete(handlers) || channel.handlers.size > 0) return
      channels.delete(name)
      unsubscribeChannel(name)
    }
  }

  async function close(): Promise<void> {
    closed = true
    clearTimeout(retry)
    subscriptions.clear()
    channels.clear()
    subscriber.disconnect()
  }

  return { subscribe, resubscribe, publishLocally, close }
}
