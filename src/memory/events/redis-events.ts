import { randomBytes } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import PQueue from 'p-queue'
import type { ConversationChange, ConversationEvent, ConversationEvents } from './conversation-events.ts'
import { createEventFeed, type EventFeed, type EventFeedLimits } from './event-feed.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import {
  createRedisEventLog,
  eventsKey,
  type LogEntry,
  parseEntryMessage,
  type RedisEventLogLimits,
} from './redis-event-log.ts'

/** The connections, one for commands and one to be made for subscriptions. */
export interface RedisEventsDeps {
  /** Commands: no offline queue, nothing sent twice after a reconnect, a command timeout. */
  redis: Redis | Cluster
  /**
   * Makes the one connection with subscriptions, closed by `close`: as `redis`, with `autoResubscribe: false`;
   * for a Cluster with `shardedSubscribers: true`.
   */
  createSubscriber(): Redis | Cluster
  /** Called for every command that failed; nothing is lost but time. */
  onFault(error: unknown): void
}

/** Bounds of logs and feeds, and of what is owed while Redis is away. */
export interface RedisEventsLimits extends EventFeedLimits, RedisEventLogLimits {
  /** How long after a failure what is owed to other nodes is retried. */
  retryMs: number
  /** Conversations that are owed something at most; those owed longest are given up. */
  owedConversations: number
}

/** Nobody can resume a deleted conversation: its log stays only for those who are resuming right now. */
const DELETED_LOG_TTL_MS = 60_000
/** Tokens whose receivers are remembered, longer than a command can be under way. */
const TOKENS_IN_DOUBT = 10_000
/** So that a reconnect with thousands of feeds does not itself run into the command timeout. */
const SUBSCRIPTIONS_AT_ONCE = 50

/**
 * Events of all nodes on one Redis. While it cannot be reached, subscribers of this node get this
 * node's events at once, with a cursor that resumes to a reset, and a conversation is owed a reset (or
 * its deletion), which goes into its log, before anything else of this node, when Redis is back: so
 * everybody who subscribes or resumes learns that something may be missing.
 */
export function createRedisEvents(deps: RedisEventsDeps, limits: RedisEventsLimits): ConversationEvents {
  const { redis, onFault } = deps
  const subscriber = deps.createSubscriber()
  const log = createRedisEventLog(redis, limits)
  const feeds = new Map<string, EventFeed>()
  const receivers = new LRUCache<string, WeakSet<EventStream>>({ max: TOKENS_IN_DOUBT })
  const owed = new LRUCache<string, LogEntry>({ max: limits.owedConversations })
  const createEntry = createEntryFactory()
  const resubscriptions = new PQueue({ concurrency: SUBSCRIPTIONS_AT_ONCE })
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const resubscribe = () => {
    resubscriptions.clear()
    for (const feed of feeds.values()) void resubscriptions.add(feed.resubscribe)
  }
  const receive = (channel: string, message: string) => {
    const feed = feeds.get(channel)
    if (feed !== undefined) feed.receive(parseEntryMessage(message))
    // A Cluster client subscribes by itself again to what was unsubscribed while it had no connection.
    else unsubscribe(channel)
  }
  subscriber.on('ready', resubscribe)
  // A Cluster stays ready while its subscribed connections are replaced.
  subscriber.on('subscribersReady', resubscribe)
  subscriber.on(redis.isCluster ? 'smessage' : 'message', receive)

  async function append(conversationId: string, entries: readonly LogEntry[]): Promise<void> {
    const debt = owed.get(conversationId)
    const all = debt === undefined ? entries : [debt, ...entries]
    const deleted = all.some(({ change }) => change.type === 'ConversationDeleted')
    const placed = await log.append(conversationId, all, deleted ? DELETED_LOG_TTL_MS : limits.logTtlMs)
    // Most often the channel has carried them already; it may as well be without a connection.
    for (const entry of placed) feeds.get(eventsKey(conversationId))?.receive(entry)
    if (owed.get(conversationId) === debt) owed.delete(conversationId)
  }

  function owe(conversationId: string, changes: readonly ConversationChange[]): void {
    const deletion = changes.find(({ type }) => type === 'ConversationDeleted')
    if (deletion !== undefined) owed.set(conversationId, createEntry(deletion))
    else if (!owed.has(conversationId)) owed.set(conversationId, createEntry({ type: 'ConversationReset' }))
    scheduleRetry()
  }

  function scheduleRetry(): void {
    if (closed || owed.size === 0) return
    retry ??= setTimeout(() => void payDebts(), limits.retryMs).unref()
  }

  /** One at a time, and no further than the first failure: Redis has just come back, or has not. */
  async function payDebts(): Promise<void> {
    try {
      for (const conversationId of [...owed.keys()]) await append(conversationId, [])
    } catch (error) {
      onFault(error)
    }
    retry = undefined
    scheduleRetry()
  }

  function openFeed(conversationId: string): EventFeed {
    const channel = eventsKey(conversationId)
    const feed = createEventFeed(
      {
        read: (after) => log.read(conversationId, after),
        subscribeChannel: async () => {
          await (redis.isCluster ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel))
        },
        onEmpty: () => {
          feeds.delete(channel)
          unsubscribe(channel)
        },
        onFault,
        receivers,
      },
      limits,
    )
    feeds.set(channel, feed)
    return feed
  }

  function unsubscribe(channel: string): void {
    // Without a connection there is no subscription either.
    const unsubscribed = redis.isCluster ? subscriber.sunsubscribe(channel) : subscriber.unsubscribe(channel)
    unsubscribed.catch(() => undefined)
  }

  async function publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void> {
    if (changes.length === 0) return
    const entries = changes.map(createEntry)
    // Until the answer is known, an entry may reach a subscriber by the log or without it: once only.
    for (const { token } of entries) receivers.set(token, new WeakSet())
    try {
      await append(conversationId, entries)
      for (const { token } of entries) receivers.delete(token)
    } catch (error) {
      onFault(error)
      feeds.get(eventsKey(conversationId))?.receiveUnlogged(entries)
      owe(conversationId, changes)
    }
  }

  function subscribe(
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<ConversationEvent> {
    if (closed || signal.aborted) return createEventStream(AbortSignal.abort(), 0, () => undefined).events
    const feed = feeds.get(eventsKey(conversationId)) ?? openFeed(conversationId)
    return feed.subscribe(after, signal).events
  }

  async function erase(conversationId: string): Promise<boolean> {
    try {
      await log.erase(conversationId)
      return true
    } catch (error) {
      onFault(error)
      return false
    }
  }

  async function close(): Promise<void> {
    closed = true
    clearTimeout(retry)
    for (const feed of feeds.values()) feed.end()
    subscriber.disconnect()
  }

  return { publish, subscribe, erase, close }
}

/** Tokens are unique among all nodes: a node's random name and a count. */
function createEntryFactory(): (change: LogEntry['change']) => LogEntry {
  const node = randomBytes(6).toString('base64url')
  let count = 0
  return (change) => {
    count += 1
    return { token: `${node}${count.toString(36)}`, change }
  }
}
