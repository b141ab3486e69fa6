import type { ConversationEvent } from './conversation-events.ts'

/** One subscriber's end of a conversation: filled from one side, iterated once from the other. */
export interface EventStream {
  readonly events: AsyncIterableIterator<ConversationEvent>
  /** Never waits for the subscriber. `ConversationDeleted` is the last event; later ones are ignored. */
  push(event: ConversationEvent): void
  end(): void
}

const DONE: IteratorResult<ConversationEvent> = { done: true, value: undefined }

/**
 * A bounded queue as an async iterator. It ends in the same tick when the signal aborts or the
 * subscriber returns, dropping what waits: an async generator would only notice at its next value.
 * A subscriber that lets more than `bufferEvents` wait gets one reset in their place, with the cursor
 * of the last of them, so that the rest follows it without a gap. `onEnd` is called exactly once, as
 * soon as no event is taken any more; never if the signal has aborted before.
 */
export function createEventStream(signal: AbortSignal, bufferEvents: number, onEnd: () => void): EventStream {
  let buffer: ConversationEvent[] = []
  const waiting: ((result: IteratorResult<ConversationEvent>) => void)[] = []
  let open = !signal.aborted
  if (open) signal.addEventListener('abort', end, { once: true })

  function close(): void {
    if (!open) return
    open = false
    signal.removeEventListener('abort', end)
    onEnd()
  }

  function end(): void {
    buffer = []
    close()
    for (const resolve of waiting.splice(0)) resolve(DONE)
  }

  function store(event: ConversationEvent): void {
    const last = buffer.at(-1)
    if (last !== undefined && buffer.length >= bufferEvents) {
      buffer = [{ type: 'ConversationReset', cursor: last.cursor }]
    }
    buffer.push(event)
  }

  const events: AsyncIterableIterator<ConversationEvent> = {
    [Symbol.asyncIterator]: () => events,
    async next() {
      // After a deletion no handler of the signal is left, but what waits must not outlive it either.
      if (signal.aborted) end()
      const value = buffer.shift()
      if (value !== undefined) return { done: false, value }
      return open ? new Promise((resolve) => waiting.push(resolve)) : DONE
    },
    async return() {
      end()
      return DONE
    },
  }

  function push(event: ConversationEvent): void {
    if (!open) return
    const deleted = event.type === 'ConversationDeleted'
    if (deleted) close()
    const resolve = waiting.shift()
    if (resolve === undefined) store(event)
    else resolve({ done: false, value: event })
    if (deleted) for (const rest of waiting.splice(0)) rest(DONE)
  }

  return { events, end, push }
}
