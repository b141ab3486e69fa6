import { randomBytes } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { RedisChannels } from '../../redis/redis-channels.ts'
import {
  type ConversationChange,
  type ConversationEvent,
  type ConversationEvents,
  type EventLimits,
  type FollowedConversation,
  type LoggedChange,
  type SubscribedConversation,
  UNLOGGED_CURSOR,
} from './conversation-events.ts'
import { createEventCheck, type EventCheckDeps } from './event-check.ts'
import { createEventFeed, type EventFeed } from './event-feed.ts'
import { createEventQueue, type EventQueueLimits } from './event-queue.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { formatCursor, type LogPosition } from './log-position.ts'
import { type PublishedHead, replacementOf, UNKNOWN_HEAD } from './published-head.ts'
import {
  createRedisEventLog,
  eventsKey,
  type LogEntry,
  type LogReading,
  parseEntryMessage,
  type RedisEventLogLimits,
} from './redis-event-log.ts'

/** The connection for commands, the node's channels, and where stored messages are looked up. */
export interface RedisEventsDeps extends EventCheckDeps {
  /** No offline queue, nothing sent twice after a reconnect, a command timeout. Not closed by this. */
  redis: Redis | Cluster
  /** Of the same Redis; not closed by this. */
  channels: RedisChannels
  /** Called for every command that failed; nothing is lost but time. */
  onFault(error: unknown): void
  /** Changes were dropped, with a reset in their place; without one only where too many conversations are owed one. */
  onDrop(conversationId: string): void
}

/** Bounds of logs and feeds, and of what is owed while Redis is away. */
export interface RedisEventsLimits extends EventLimits, RedisEventLogLimits, EventQueueLimits {
  /** Life of a log after its last use. */
  logTtlMs: number
  /** Life of a log that was only made for a cursor. */
  cursorTtlMs: number
  /** How long after a failure what is owed to other nodes is retried. */
  retryMs: number
  /** Conversations that are owed something at most; those owed longest are given up. */
  owedConversations: number
}

/** Nobody can resume a deleted conversation: its log stays only for those who are resuming right now. */
const DELETED_LOG_TTL_MS = 60_000
/** Tokens whose receivers are remembered, longer than a command can be under way. */
const TOKENS_IN_DOUBT = 10_000
/** Logs that are polled in one round trip. */
const READS_AT_ONCE = 200
const RESETS_AT_ONCE = 16
/** Debts that a round of payments leaves unpaid at most, as each may take a command timeout. */
const FAILURES_AT_ONCE = 8

/**
 * Events of all nodes on one Redis. While it cannot be reached, subscribers of this node get this
 * node's events at once, with a cursor that resumes to a reset, and a conversation is owed a reset (or
 * its deletion), which goes into its log, before anything else of this node, when Redis is back: so
 * everybody who subscribes or resumes learns that something may be missing.
 */
export function createRedisEvents(deps: RedisEventsDeps, limits: RedisEventsLimits): ConversationEvents {
  const { redis, channels, onFault, onDrop } = deps
  const log = createRedisEventLog(redis, limits)
  const check = createEventCheck(deps)
  const queue = createEventQueue({ send, onDrop }, limits)
  const feeds = new Map<string, EventFeed>()
  const receivers = new LRUCache<string, WeakSet<EventStream>>({ max: TOKENS_IN_DOUBT })
  const owed = new LRUCache<string, LogEntry>({
    max: limits.owedConversations,
    dispose: (_, conversationId, reason) => reason === 'evict' && onDrop(conversationId),
  })
  const createEntry = createEntryFactory()
  const timer = setInterval(() => void poll(), limits.pollMs).unref()
  let polling: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function send(conversationId: string, changes: readonly LoggedChange[]): Promise<void> {
    const entries = changes.map(createEntry)
    // Until the answer is known, an entry may reach a subscriber by the log or without it: once only.
    for (const { token } of entries) receivers.set(token, new WeakSet())
    try {
      await append(conversationId, entries)
      for (const { token } of entries) receivers.delete(token)
    } catch (error) {
      onFault(error)
      feeds.get(conversationId)?.receiveUnlogged(entries)
      owe(conversationId, changes)
    }
  }

  async function append(conversationId: string, entries: readonly LogEntry[]): Promise<void> {
    const debt = owed.get(conversationId)
    const all = debt === undefined ? entries : [debt, ...entries]
    if (all.length === 0) return
    const deleted = all.some(({ change }) => change.type === 'ConversationDeleted')
    const placed = await log.append(conversationId, all, deleted ? DELETED_LOG_TTL_MS : limits.logTtlMs)
    // Most often the channel has carried them already; it may as well be without a connection.
    for (const entry of placed) feeds.get(conversationId)?.receive(entry)
    if (owed.get(conversationId) === debt) owed.delete(conversationId)
  }

  function owe(conversationId: string, changes: readonly LoggedChange[]): void {
    const before = owed.get(conversationId)
    if (before?.change.type !== 'ConversationDeleted') {
      const lost = before === undefined ? changes : [before.change, ...changes]
      owed.set(conversationId, createEntry(replacementOf(lost)))
    }
    scheduleRetry()
  }

  function scheduleRetry(): void {
    if (closed || owed.size === 0) return
    retry ??= setTimeout(() => void payDebts(), limits.retryMs).unref()
  }

  /**
   * One at a time, and no further than some failures: Redis has just come back, or has not. One that fails was
   * used last, so that the others come before it next time. In the turn of its conversation: with what is published
   * meanwhile a debt would go out a second time.
   */
  async function payDebts(): Promise<void> {
    let failures = 0
    for (const conversationId of [...owed.rkeys()]) {
      await queue.add(conversationId, [])
      if (owed.has(conversationId)) failures += 1
      if (failures === FAILURES_AT_ONCE) break
    }
    retry = undefined
    scheduleRetry()
  }

  /** The newest message is read before the log is made: what is stored between the two shows as not published. */
  async function readLog(
    conversation: FollowedConversation,
    after: LogPosition | undefined,
    ttlMs: number,
  ): Promise<LogReading> {
    const reading = await log.read(conversation.id, after, ttlMs)
    if (reading !== undefined) return reading
    const publishedHead = await conversation.readNewestId().catch(() => UNKNOWN_HEAD)
    return log.open(conversation.id, after, ttlMs, publishedHead)
  }

  function openFeed(conversation: SubscribedConversation): EventFeed {
    const { id } = conversation
    const channel = eventsKey(id)
    const feed = createEventFeed(
      {
        open: ({ id, newestId }, after) => log.open(id, after, limits.logTtlMs, newestId),
        read: (followed, after) => readLog(followed, after, limits.logTtlMs),
        onEmpty() {
          feeds.delete(id)
          unsubscribe()
        },
        onSilence: () => channels.resubscribe(channel),
        onFault,
        receivers,
      },
      limits,
      conversation,
    )
    const unsubscribe = channels.subscribe(channel, {
      onMessage: (message) => feed.receive(parseEntryMessage(message)),
      onSubscribed: () => void feed.catchUp(),
    })
    feeds.set(id, feed)
    return feed
  }

  /** One round for all feeds: what channels lost is read, and what was stored and never published is found. */
  function poll(): Promise<void> {
    polling ??= pollFeeds()
      .catch(onFault)
      .finally(() => {
        polling = undefined
      })
    return polling
  }

  async function pollFeeds(): Promise<void> {
    const heads = new Map<string, PublishedHead>()
    const all = [...feeds]
    for (let begin = 0; begin < all.length; begin += READS_AT_ONCE) {
      const batch = all.slice(begin, begin + READS_AT_ONCE)
      const reads = batch.map(([conversationId, { position }]) => ({ conversationId, after: position }))
      const readings = await log.readMany(reads, limits.logTtlMs)
      for (const [index, [id, feed]] of batch.entries()) {
        const reading = readings[index]
        if (reading === undefined) void feed.catchUp()
        else {
          feed.advance(reading)
          heads.set(id, reading.publishedHead)
        }
      }
    }
    const losses = await check.findLosses(heads)
    await pMap(losses, publishReset, { concurrency: RESETS_AT_ONCE })
  }

  async function publishReset(conversationId: string): Promise<void> {
    const newestId = await feeds.get(conversationId)?.conversation.readNewestId()
    if (newestId !== undefined) await send(conversationId, [{ type: 'ConversationReset', newestId }])
  }

  function publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void> {
    return changes.length === 0 ? Promise.resolve() : queue.add(conversationId, changes)
  }

  function readCursors(conversations: readonly FollowedConversation[]): Promise<string[]> {
    return Promise.all(
      conversations.map(async (conversation) => {
        try {
          return formatCursor((await readLog(conversation, undefined, limits.cursorTtlMs)).head)
        } catch (error) {
          onFault(error)
          return UNLOGGED_CURSOR
        }
      }),
    )
  }

  function subscribe(
    conversation: SubscribedConversation,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<ConversationEvent> {
    if (closed || signal.aborted) return createEventStream(AbortSignal.abort(), 0, () => undefined).events
    const feed = feeds.get(conversation.id) ?? openFeed(conversation)
    return feed.subscribe(conversation, after, signal).events
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
    await queue.drain()
    clearInterval(timer)
    clearTimeout(retry)
    for (const feed of feeds.values()) feed.end()
    await polling
  }

  return { publish, readCursors, subscribe, erase, close }
}

/** Tokens are unique among all nodes: a node's random name and a count. */
function createEntryFactory(): (change: LoggedChange) => LogEntry {
  const node = randomBytes(6).toString('base64url')
  let count = 0
  return (change) => {
    count += 1
    return { token: `${node}${count.toString(36)}`, change }
  }
}
