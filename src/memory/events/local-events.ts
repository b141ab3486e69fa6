import { randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type {
  ConversationChange,
  ConversationEvent,
  ConversationEvents,
  EventLimits,
  FollowedConversation,
  LoggedChange,
  SubscribedConversation,
} from './conversation-events.ts'
import { createEventCheck, type EventCheckDeps } from './event-check.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { comparePosition, formatCursor, type LogPosition, parseCursor } from './log-position.ts'
import { headStepOf, type PublishedHead, takeStep, UNKNOWN_HEAD } from './published-head.ts'

/** Bounds of what is kept in this process. */
export interface LocalEventLimits extends EventLimits {
  /** Conversations whose log is kept, those used last. */
  conversations: number
}

/** Where stored messages are looked up, and who is called when that fails. */
export interface LocalEventsDeps extends EventCheckDeps {
  onFault(error: unknown): void
}

/** The newest events of one conversation; `head` is the position of the last. */
interface Log {
  head: LogPosition
  events: ConversationEvent[]
  publishedHead: PublishedHead
}

interface Followed {
  conversation: FollowedConversation
  streams: Set<EventStream>
}

/**
 * Events of one process. A log begins with the first subscriber of its conversation, since before
 * that nobody holds a cursor of it; its random generation makes cursors from before a restart resets.
 */
export function createLocalEvents(deps: LocalEventsDeps, limits: LocalEventLimits): ConversationEvents {
  const logs = new LRUCache<string, Log>({ max: limits.conversations })
  const followed = new Map<string, Followed>()
  const check = createEventCheck(deps)
  const timer = setInterval(() => void checkAll().catch(deps.onFault), limits.pollMs).unref()
  let closed = false

  function openLog(id: string, publishedHead: PublishedHead): Log {
    const log = logs.get(id) ?? createLog(publishedHead)
    logs.set(id, log)
    return log
  }

  function release(id: string, stream: EventStream): void {
    const streams = followed.get(id)?.streams
    streams?.delete(stream)
    if (streams?.size === 0) followed.delete(id)
  }

  function add(conversationId: string, changes: readonly LoggedChange[]): void {
    const present = followed.get(conversationId)
    const log = present ? openLog(conversationId, UNKNOWN_HEAD) : logs.get(conversationId)
    if (log === undefined) return
    for (const change of changes) {
      log.head = { ...log.head, sequence: log.head.sequence + 1 }
      log.publishedHead = takeStep(log.publishedHead, headStepOf(change))
      const event = { ...change, cursor: formatCursor(log.head) }
      log.events.push(event)
      if (log.events.length > limits.logEvents) log.events.shift()
      for (const stream of present?.streams ?? []) stream.push(event)
    }
  }

  /** With a history that other processes write to, or whose answers get lost, not all is published here. */
  async function checkAll(): Promise<void> {
    const heads = [...followed.keys()].map((id) => [id, logs.get(id)?.publishedHead ?? UNKNOWN_HEAD] as const)
    for (const id of await check.findLosses(new Map(heads))) {
      const newestId = await followed.get(id)?.conversation.readNewestId()
      if (newestId !== undefined) add(id, [{ type: 'ConversationReset', newestId }])
    }
  }

  async function publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void> {
    add(conversationId, changes)
  }

  async function readCursors(conversations: readonly FollowedConversation[]): Promise<string[]> {
    return Promise.all(
      conversations.map(async ({ id, readNewestId }) => {
        // What is stored between the reading and the opening shows as not published.
        const publishedHead = logs.has(id) ? UNKNOWN_HEAD : await readNewestId().catch(() => UNKNOWN_HEAD)
        return formatCursor(openLog(id, publishedHead).head)
      }),
    )
  }

  function subscribe(
    conversation: SubscribedConversation,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<ConversationEvent> {
    const { id } = conversation
    const stream = createEventStream(signal, limits.bufferEvents, () => release(id, stream))
    if (closed) stream.end()
    if (closed || signal.aborted) return stream.events
    const log = openLog(id, conversation.newestId)
    const { streams } = followed.get(id) ?? { streams: new Set() }
    followed.set(id, { conversation, streams: streams.add(stream) })
    if (after === undefined) stream.push({ type: 'ConversationHeartbeat', cursor: formatCursor(log.head) })
    else for (const event of eventsAfter(log, after)) stream.push(event)
    return stream.events
  }

  async function erase(conversationId: string): Promise<boolean> {
    logs.delete(conversationId)
    return true
  }

  async function close(): Promise<void> {
    closed = true
    clearInterval(timer)
    for (const { streams } of followed.values()) for (const stream of streams) stream.end()
  }

  return { publish, readCursors, subscribe, erase, close }
}

function createLog(publishedHead: PublishedHead): Log {
  return {
    head: { generation: String(randomInt(2 ** 48 - 1)), sequence: 0 },
    events: [],
    publishedHead,
  }
}

function eventsAfter({ head, events }: Log, after: string): ConversationEvent[] {
  const seen = parseCursor(after)
  if (seen === undefined) return [{ type: 'ConversationReset', cursor: formatCursor(head) }]
  const missing = head.sequence - seen.sequence
  const known = comparePosition(head, seen) === 'SEEN' && missing <= events.length
  return known ? events.slice(events.length - missing) : [{ type: 'ConversationReset', cursor: formatCursor(head) }]
}
