import type { Cluster, Redis } from 'ioredis'
import PQueue from 'p-queue'

interface ChannelListener {
  onMessage(message: string): void
  /** Listens now: at first, and again after every gap, in which messages may have been missed. */
  onJoined(): void
}

/** Channels of Redis on one connection: each is subscribed once, however many listen, and left when nobody does. */
export interface RedisChannels {
  /** Listens until the returned function is called; tries until it succeeds. */
  join(channel: string, listener: ChannelListener): () => void
  /** Tells the listeners of this node only: for what Redis could not carry. */
  tellHere(channel: string, message: string): void
  close(): Promise<void>
}

/** The connection, and who hears of its faults. */
export interface RedisChannelsDeps {
  /**
   * The one connection that listens, closed by `close`: without an offline queue and with
   * `autoResubscribe: false`; for a Cluster with `shardedSubscribers: true`.
   */
  subscriber: Redis | Cluster
  /** Told of every subscription that failed; it is tried again. */
  onFault(error: unknown): void
}

/** Times of the channels. */
export interface RedisChannelsLimits {
  /** How long after a failure a subscription is tried again. */
  retryMs: number
}

interface Channel {
  listeners: Set<ChannelListener>
  isJoined: boolean
}

/** So that a reconnect with thousands of channels does not itself run into the command timeout. */
const REJOINS_AT_ONCE = 50

/** Sharded channels on a Cluster (Redis 7), plain ones elsewhere. */
export function createRedisChannels(
  { subscriber, onFault }: RedisChannelsDeps,
  { retryMs }: RedisChannelsLimits,
): RedisChannels {
  const channels = new Map<string, Channel>()
  const rejoins = new PQueue({ concurrency: REJOINS_AT_ONCE })
  let connections = 0
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const reconnected = () => {
    connections += 1
    rejoins.clear()
    for (const channel of channels.values()) channel.isJoined = false
    rejoinAll()
  }
  subscriber.on('ready', reconnected)
  // A Cluster stays ready while the connections that listen are replaced.
  subscriber.on('subscribersReady', reconnected)
  subscriber.on(subscriber.isCluster ? 'smessage' : 'message', (name: string, message: string) => {
    // A Cluster client subscribes by itself again to what was left while it had no connection.
    if (channels.has(name)) tellHere(name, message)
    else unsubscribe(name)
  })

  function rejoinAll(): void {
    for (const [name, channel] of channels) {
      if (!channel.isJoined) void rejoins.add(() => subscribe(name, channel))
    }
  }

  async function subscribe(name: string, channel: Channel): Promise<void> {
    // It may have waited for its turn.
    if (channels.get(name) !== channel || channel.isJoined) return
    const connection = connections
    try {
      await (subscriber.isCluster ? subscriber.ssubscribe(name) : subscriber.subscribe(name))
      // On another connection by now, which subscribes anew, or told by another attempt.
      if (connection !== connections || channel.isJoined) return
      channel.isJoined = true
      for (const { onJoined } of channel.listeners) onJoined()
    } catch (error) {
      if (closed) return
      onFault(error)
      planRetry()
    }
  }

  function planRetry(): void {
    retry ??= setTimeout(() => {
      retry = undefined
      // Without a connection it would fail; with the next one all are subscribed anyway.
      if (subscriber.status === 'ready') rejoinAll()
    }, retryMs).unref()
  }

  function openChannel(name: string): Channel {
    const channel: Channel = { listeners: new Set(), isJoined: false }
    channels.set(name, channel)
    void subscribe(name, channel)
    return channel
  }

  function unsubscribe(name: string): void {
    // Without a connection there is no subscription either.
    const left = subscriber.isCluster ? subscriber.sunsubscribe(name) : subscriber.unsubscribe(name)
    left.catch(() => undefined)
  }

  function tellHere(name: string, message: string): void {
    for (const { onMessage } of channels.get(name)?.listeners ?? []) onMessage(message)
  }

  return {
    tellHere,

    join(name, { onMessage, onJoined }) {
      if (closed) return () => undefined
      const channel = channels.get(name) ?? openChannel(name)
      // An object of its own, so that the same listener may join twice.
      const listener = { onMessage, onJoined }
      channel.listeners.add(listener)
      if (channel.isJoined) queueMicrotask(() => channel.listeners.has(listener) && onJoined())
      return () => {
        if (!channel.listeners.delete(listener) || channel.listeners.size > 0) return
        channels.delete(name)
        unsubscribe(name)
      }
    },

    async close() {
      closed = true
      clearTimeout(retry)
      rejoins.clear()
      channels.clear()
      subscriber.disconnect()
    },
  }
}
