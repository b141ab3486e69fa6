import {
  type EventLimits,
  type FollowedConversation,
  type LoggedChange,
  type SubscribedConversation,
  UNLOGGED_CURSOR,
} from './conversation-events.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { comparePosition, formatCursor, type LogPosition, parseCursor } from './log-position.ts'
import type { LogEntry, LogReading, PlacedEntry } from './redis-event-log.ts'

/** What one node's subscribers of one conversation share: one place in its log, one channel, one catch-up. */
export interface EventFeed {
  /** As its newest subscriber knows it. */
  readonly conversation: SubscribedConversation
  /** The newest place that was read; undefined before the first. */
  readonly position: LogPosition | undefined
  subscribe(conversation: SubscribedConversation, after: string | undefined, signal: AbortSignal): EventStream
  /** Takes what the channel carried; undefined when it is unknown what happened. */
  receive(entry: PlacedEntry | undefined): void
  /** Entries that the log did not take: for the subscribers of this node only. */
  receiveUnlogged(entries: readonly LogEntry[]): void
  /** Takes what was read behind `position`. */
  advance(reading: LogReading): void
  /** Reads what the channel may have lost. */
  catchUp(): Promise<void>
  end(): void
}

/** The log and the channel of the feed's conversation. */
export interface EventFeedDeps {
  /** For a subscriber that begins: a log that is not there begins with its `newestId`. May reject. */
  open(conversation: SubscribedConversation, after: LogPosition | undefined): Promise<LogReading>
  /** For all subscribers: a log that is gone begins with what is the newest message by then. May reject. */
  read(conversation: FollowedConversation, after: LogPosition | undefined): Promise<LogReading>
  /** The last subscriber has gone; the feed is of no use any more. */
  onEmpty(): void
  /** The log has an entry that the channel did not carry: perhaps its subscription is lost. */
  onSilence(): void
  /** A command failed; it will be retried. */
  onFault(error: unknown): void
  /** Who got an entry of this node already, by its token, while that is in doubt. */
  receivers: { get(token: string): WeakSet<EventStream> | undefined }
}

type Arrival = LogEntry & { at: LogPosition | undefined }

interface Subscriber {
  stream: EventStream
  /** Undefined until the log could be read for it. */
  position: LogPosition | undefined
  /** What arrived while the log is read for it. */
  held: Arrival[] | undefined
}

/**
 * The log is the truth, the channel only saves reading it: an entry that it carries is passed on when it
 * is the very next, else the log is read. What the channel lost without anybody noticing is found by
 * whoever polls the log, which also keeps the log alive as long as there are subscribers.
 * A subscriber gets each entry that is the very next for it, and a reset in place of anything else.
 */
export function createEventFeed(
  deps: EventFeedDeps,
  limits: Pick<EventLimits, 'bufferEvents'>,
  first: SubscribedConversation,
): EventFeed {
  const subscribers = new Set<Subscriber>()
  let conversation = first
  let firstOpened: Promise<void> | undefined
  let position: LogPosition | undefined
  let isReading = false
  let readAgain = false

  function subscribe(subscribed: SubscribedConversation, after: string | undefined, signal: AbortSignal): EventStream {
    conversation = subscribed
    const stream = createEventStream(signal, limits.bufferEvents, () => release(subscriber))
    const subscriber: Subscriber = { stream, position: undefined, held: [] }
    subscribers.add(subscriber)
    const opened = open(subscriber, subscribed, after)
    firstOpened ??= opened
    return stream
  }

  function release(subscriber: Subscriber): void {
    subscribers.delete(subscriber)
    if (subscribers.size === 0) deps.onEmpty()
  }

  /** Reads the log for one subscriber, who may lag behind the feed or be ahead of it. */
  async function open(
    subscriber: Subscriber,
    subscribed: SubscribedConversation,
    after: string | undefined,
  ): Promise<void> {
    try {
      const { head, entries } = await deps.open(subscribed, after === undefined ? undefined : parseCursor(after))
      if (after === undefined) subscriber.stream.push({ type: 'ConversationHeartbeat', cursor: formatCursor(head) })
      for (const entry of entries ?? []) deliver(subscriber, entry)
      if (after !== undefined && entries === undefined) deliver(subscriber, resetAt(head))
      subscriber.position = head
      position ??= head
    } catch (error) {
      deps.onFault(error)
      // It can reload at once; once the log can be read again, it will get a second reset.
      if (after !== undefined) deliver(subscriber, resetAt(undefined))
    }
    const held = subscriber.held ?? []
    subscriber.held = undefined
    for (const arrival of held) push(subscriber, arrival)
  }

  async function catchUp(): Promise<void> {
    readAgain = true
    if (isReading) return
    isReading = true
    // It begins where the first subscriber did, whose own reading is under way.
    await firstOpened
    while (readAgain && subscribers.size > 0) {
      readAgain = false
      try {
        advance(await deps.read(conversation, position))
      } catch (error) {
        deps.onFault(error)
      }
    }
    isReading = false
  }

  function advance({ head, entries }: LogReading): void {
    // All are taken, whichever is the first that the channel did not carry.
    const fresh = (entries ?? []).filter(receiveEntry)
    if (fresh.length > 0) deps.onSilence()
    if (comparePosition(position, head) !== 'SEEN') position = head
    // For subscribers that kept up this is old; those that could not, or missed something, start anew.
    for (const subscriber of subscribers) push(subscriber, resetAt(position))
  }

  function receive(entry: PlacedEntry | undefined): void {
    if (entry === undefined) void catchUp()
    else receiveEntry(entry)
  }

  /** Whether the entry was new. */
  function receiveEntry(entry: PlacedEntry): boolean {
    // Before the first reading there is no place to compare with; that reading will bring it.
    if (position === undefined) return false
    const placement = comparePosition(position, entry.at)
    if (placement === 'GAP') void catchUp()
    if (placement !== 'NEXT') return false
    position = entry.at
    for (const subscriber of subscribers) push(subscriber, entry)
    return true
  }

  function receiveUnlogged(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      for (const subscriber of subscribers) push(subscriber, { ...entry, at: undefined })
    }
  }

  function push(subscriber: Subscriber, arrival: Arrival): void {
    if (subscriber.held !== undefined) {
      subscriber.held.push(arrival)
      return
    }
    if (arrival.at === undefined) {
      deliver(subscriber, arrival)
      return
    }
    const placement = comparePosition(subscriber.position, arrival.at)
    if (placement === 'SEEN') return
    subscriber.position = arrival.at
    deliver(subscriber, placement === 'NEXT' ? arrival : resetAt(arrival.at))
  }

  function deliver({ stream }: Subscriber, { token, change, at }: Arrival): void {
    const receivers = deps.receivers.get(token)
    if (receivers?.has(stream)) return
    receivers?.add(stream)
    const cursor = at === undefined ? UNLOGGED_CURSOR : formatCursor(at)
    stream.push(change.type === 'ConversationReset' ? { type: change.type, cursor } : { ...change, cursor })
  }

  function end(): void {
    for (const { stream } of subscribers) stream.end()
  }

  return {
    subscribe,
    receive,
    receiveUnlogged,
    advance,
    catchUp,
    end,
    get conversation() {
      return conversation
    },
    get position() {
      return position
    },
  }
}

const RESET: LoggedChange = { type: 'ConversationReset' }

function resetAt(at: LogPosition | undefined): Arrival {
  return { token: '', change: RESET, at }
}
