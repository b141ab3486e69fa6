import type { EventLimits } from './conversation-events.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { comparePosition, formatCursor, type LogPosition, parseCursor } from './log-position.ts'
import type { LogEntry, LoggedChange, LogReading, PlacedEntry } from './redis-event-log.ts'

/** What one node's subscribers of one conversation share: one place in its log, one channel, one catch-up. */
export interface EventFeed {
  join(after: string | undefined, signal: AbortSignal): EventStream
  /** What the channel told; undefined when it is unknown what happened. */
  take(entry: PlacedEntry | undefined): void
  /** Entries that the log did not take: for the subscribers of this node only. */
  takeUnlogged(entries: readonly LogEntry[]): void
  /** The channel was lost: listens again and reads what was missed. */
  rejoin(): Promise<void>
  end(): void
}

/** The log and the channel that the feed follows. */
export interface EventFeedParts {
  read(after: LogPosition | undefined): Promise<LogReading>
  listen(): Promise<void>
  /** The last subscriber has left; the feed is of no use any more. */
  onEmpty(): void
  /** A command failed; it will be tried again. */
  onFault(error: unknown): void
  /** Who got an entry of this node already, by its token, while that is in doubt. */
  receivers: { get(token: string): WeakSet<EventStream> | undefined }
}

/** Bounds of a feed and of its subscribers. */
export interface EventFeedLimits extends EventLimits {
  /** How often the log is looked at though nothing was told. */
  checkMs: number
}

type Arrival = LogEntry & { at: LogPosition | undefined }

interface Reader {
  stream: EventStream
  /** Undefined until the log could be read for it. */
  position: LogPosition | undefined
  /** What arrived while the log is read for it. */
  held: Arrival[] | undefined
}

/**
 * The log is the truth, the channel only saves reading it: an entry that it tells is passed on when it
 * is the very next, else the log is read. What the channel lost without anybody noticing is found by a
 * look at the log every `checkMs`, which also keeps the log alive as long as there are subscribers.
 * A subscriber gets each entry that is the very next for it, and a reset in place of anything else.
 */
export function createEventFeed(parts: EventFeedParts, limits: EventFeedLimits): EventFeed {
  const readers = new Set<Reader>()
  let firstOpened: Promise<void> | undefined
  let position: LogPosition | undefined
  let listening = false
  let reading = false
  let readAgain = false
  const timer = setInterval(() => void keepUp(), limits.checkMs).unref()

  function leave(reader: Reader): void {
    readers.delete(reader)
    if (readers.size > 0) return
    clearInterval(timer)
    parts.onEmpty()
  }

  /** Reads the log for one subscriber, who may lag behind the feed or be ahead of it. */
  async function open(reader: Reader, after: string | undefined): Promise<void> {
    try {
      const { head, entries } = await parts.read(after === undefined ? undefined : parseCursor(after))
      for (const entry of entries ?? []) deliver(reader, entry)
      if (after !== undefined && entries === undefined) deliver(reader, resetAt(head))
      reader.position = head
      position ??= head
    } catch (error) {
      parts.onFault(error)
      // It can reload at once; once the log can be read again, it will get a second reset.
      if (after !== undefined) deliver(reader, resetAt(undefined))
    }
    const held = reader.held ?? []
    reader.held = undefined
    for (const arrival of held) offer(reader, arrival)
  }

  /** Listens first, then reads: so nothing falls between the two. */
  async function keepUp(): Promise<void> {
    if (readers.size === 0) return
    try {
      if (!listening) await parts.listen()
      listening = true
    } catch (error) {
      parts.onFault(error)
    }
    await catchUp()
  }

  async function catchUp(): Promise<void> {
    readAgain = true
    if (reading) return
    reading = true
    // It begins where the first subscriber did, whose own reading is under way.
    await firstOpened
    while (readAgain && readers.size > 0) {
      readAgain = false
      try {
        advance(await parts.read(position))
      } catch (error) {
        parts.onFault(error)
      }
    }
    reading = false
  }

  function advance({ head, entries }: LogReading): void {
    for (const entry of entries ?? []) {
      // The channel did not tell it: perhaps it is lost, so subscribe again at the next look.
      if (take(entry)) listening = false
    }
    if (comparePosition(position, head) !== 'SEEN') position = head
    // For those who have followed this is old; those who could not, or missed something, start anew.
    for (const reader of readers) offer(reader, resetAt(position))
  }

  /** Whether the entry was new. */
  function take(entry: PlacedEntry): boolean {
    // Before the first reading there is no place to compare with; that reading will tell.
    if (position === undefined) return false
    const placement = comparePosition(position, entry.at)
    if (placement === 'GAP') void catchUp()
    if (placement !== 'NEXT') return false
    position = entry.at
    for (const reader of readers) offer(reader, entry)
    return true
  }

  function offer(reader: Reader, arrival: Arrival): void {
    if (reader.held !== undefined) {
      reader.held.push(arrival)
      return
    }
    if (arrival.at === undefined) {
      deliver(reader, arrival)
      return
    }
    const placement = comparePosition(reader.position, arrival.at)
    if (placement === 'SEEN') return
    reader.position = arrival.at
    deliver(reader, placement === 'NEXT' ? arrival : resetAt(arrival.at))
  }

  function deliver({ stream }: Reader, { token, change, at }: Arrival): void {
    const receivers = parts.receivers.get(token)
    if (receivers?.has(stream)) return
    receivers?.add(stream)
    stream.push({ ...change, cursor: at === undefined ? UNLOGGED_CURSOR : formatCursor(at) })
  }

  return {
    join(after, signal) {
      const stream = createEventStream(signal, limits.bufferEvents, () => leave(reader))
      const reader: Reader = { stream, position: undefined, held: [] }
      readers.add(reader)
      const opened = open(reader, after)
      if (firstOpened === undefined) {
        firstOpened = opened
        void keepUp()
      }
      return stream
    },
    take(entry) {
      if (entry === undefined) void catchUp()
      else take(entry)
    },
    takeUnlogged(entries) {
      for (const entry of entries) for (const reader of readers) offer(reader, { ...entry, at: undefined })
    },
    async rejoin() {
      listening = false
      await keepUp()
    },
    end() {
      for (const { stream } of readers) stream.end()
    },
  }
}

/** Not a place in any log: subscribing after it yields a reset. */
const UNLOGGED_CURSOR = 'unlogged'

const RESET: LoggedChange = { type: 'ConversationReset' }

function resetAt(at: LogPosition | undefined): Arrival {
  return { token: '', change: RESET, at }
}
