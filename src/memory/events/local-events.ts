import { randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ConversationChange, ConversationEvent, ConversationEvents, EventLimits } from './conversation-events.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { comparePosition, formatCursor, type LogPosition, parseCursor } from './log-position.ts'

/** Bounds of what is kept in this process. */
export interface LocalEventLimits extends EventLimits {
  /** Conversations whose log is kept, those used last. */
  conversations: number
}

/** The newest events of one conversation; `head` is the position of the last. */
interface Log {
  head: LogPosition
  events: ConversationEvent[]
}

/**
 * Events of one process. A log begins with the first subscriber of its conversation, since before
 * that nobody holds a cursor of it; its random generation makes cursors from before a restart resets.
 */
export function createLocalEvents(limits: LocalEventLimits): ConversationEvents {
  const logs = new LRUCache<string, Log>({ max: limits.conversations })
  const streams = new Map<string, Set<EventStream>>()
  let closed = false

  function openLog(conversationId: string): Log {
    const log = logs.get(conversationId) ?? createLog()
    logs.set(conversationId, log)
    return log
  }

  function release(conversationId: string, stream: EventStream): void {
    const open = streams.get(conversationId)
    open?.delete(stream)
    if (open?.size === 0) streams.delete(conversationId)
  }

  async function publish(conversationId: string, changes: readonly ConversationChange[]): Promise<void> {
    const open = streams.get(conversationId)
    const log = open ? openLog(conversationId) : logs.get(conversationId)
    if (log === undefined) return
    for (const change of changes) {
      log.head = { ...log.head, sequence: log.head.sequence + 1 }
      const event = { ...change, cursor: formatCursor(log.head) }
      log.events.push(event)
      if (log.events.length > limits.logEvents) log.events.shift()
      for (const stream of open ?? []) stream.push(event)
    }
  }

  function subscribe(
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<ConversationEvent> {
    const stream = createEventStream(signal, limits.bufferEvents, () => release(conversationId, stream))
    if (closed) stream.end()
    if (closed || signal.aborted) return stream.events
    const log = openLog(conversationId)
    const open = streams.get(conversationId) ?? new Set()
    streams.set(conversationId, open.add(stream))
    if (after !== undefined) for (const event of eventsAfter(log, after)) stream.push(event)
    return stream.events
  }

  async function erase(conversationId: string): Promise<boolean> {
    logs.delete(conversationId)
    return true
  }

  async function close(): Promise<void> {
    closed = true
    for (const open of streams.values()) for (const stream of open) stream.end()
  }

  return { publish, subscribe, erase, close }
}

function createLog(): Log {
  return { head: { generation: String(randomInt(2 ** 48 - 1)), sequence: 0 }, events: [] }
}

function eventsAfter({ head, events }: Log, after: string): ConversationEvent[] {
  const seen = parseCursor(after)
  if (seen === undefined) return [{ type: 'ConversationReset', cursor: formatCursor(head) }]
  const missing = head.sequence - seen.sequence
  const known = comparePosition(head, seen) === 'SEEN' && missing <= events.length
  return known ? events.slice(events.length - missing) : [{ type: 'ConversationReset', cursor: formatCursor(head) }]
}
