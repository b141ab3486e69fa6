import {
  encodeReplyCursor,
  REPLY_BEGINNING,
  type ReplyEvent,
  type ReplyPlace,
  type ReplyRejection,
} from './reply-event.ts'
import type { ReplyStart, ReplyView } from './reply-view.ts'

/** How often a silent stream shows that it lives. */
export interface ReplyStreamLimits {
  /** A heartbeat comes after so long without another event. */
  heartbeatMs: number
}

type Next = IteratorResult<ReplyEvent, undefined>

/**
 * The events of a view for one subscriber, from a place on. Pulled: whoever is slow gets fewer and larger
 * deltas, and nothing is buffered for it. Ends after the ending event, and at once when the signal aborts; then
 * `onDone` is called once. `start` stands in for the view's.
 */
export function streamReply(
  view: ReplyView,
  after: ReplyPlace,
  { heartbeatMs }: ReplyStreamLimits,
  signal: AbortSignal,
  onDone: () => void,
  start?: ReplyStart,
): AsyncIterableIterator<ReplyEvent> {
  const place = { ...after }
  let queuePosition: number | undefined
  let notify: ((isChanged: boolean) => void) | undefined
  let unsubscribe = () => {}
  let waitsSince = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = after.isEnded

  function event<T extends object>(fields: T): T & { replyId: string; cursor: string } {
    return { ...fields, replyId: view.replyId, cursor: encodeReplyCursor(place) }
  }

  /** The next event that is ready; it is built only then. */
  function nextReady(): ReplyEvent | undefined {
    if (view.queuePosition !== undefined && view.queuePosition !== queuePosition) {
      queuePosition = view.queuePosition
      return event({ type: 'ReplyQueued' as const, position: queuePosition })
    }
    if (view.start !== undefined && !place.isStarted) {
      place.isStarted = true
      return event({ type: 'ReplyStarted' as const, ...(start ?? view.start) })
    }
    return nextContent() ?? nextEnding()
  }

  function nextContent(): ReplyEvent | undefined {
    if (view.start === undefined) return undefined
    const said = view.isReasoningFirst ? (nextReasoning() ?? nextText()) : (nextText() ?? nextReasoning())
    if (said !== undefined) return said
    const part = view.parts[place.partCount]
    if (part === undefined) return undefined
    // Text and thoughts are complete when the first part comes, and stand before it if there are any.
    const partIndex = place.partCount + Number(view.text.length > 0) + Number(view.reasoning.length > 0)
    place.partCount += 1
    return event({ type: 'ReplyPart' as const, partIndex, part })
  }

  function nextText(): ReplyEvent | undefined {
    if (place.offset >= view.text.length) return undefined
    const delta = view.deltaBehind(place)
    place.offset = view.text.length
    return delta
  }

  function nextReasoning(): ReplyEvent | undefined {
    const { reasoningOffset: offset } = place
    if (offset >= view.reasoning.length) return undefined
    place.reasoningOffset = view.reasoning.length
    const partIndex = view.isReasoningFirst ? 0 : 1
    return event({ type: 'ReplyReasoningDelta' as const, partIndex, offset, text: view.reasoning.from(offset) })
  }

  function nextEnding(): ReplyEvent | undefined {
    if (view.ending === undefined) return undefined
    isOver = true
    place.isEnded = true
    return event(view.ending)
  }

  /** True when the view changed; false after a time of silence. */
  function waitForChange(): Promise<boolean> {
    waitsSince = performance.now()
    timer ??= setTimeout(beat, heartbeatMs)
    unsubscribe = view.onChange(changed)
    return new Promise((resolve) => {
      notify = resolve
    })
  }

  function changed(): void {
    notify?.(true)
  }

  /** One timer runs on through all events: to set one for each of them costs more than the rest of the wait. */
  function beat(): void {
    const leftMs = waitsSince + heartbeatMs - performance.now()
    timer = leftMs > 0 ? setTimeout(beat, leftMs) : undefined
    if (timer !== undefined) return
    unsubscribe()
    notify?.(false)
  }

  function stop(): void {
    isOver = true
    notify?.(true)
    // Nobody may ever ask for a next value.
    done()
  }

  let isDone = false
  function done(): IteratorResult<ReplyEvent, undefined> {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    unsubscribe()
    if (!isDone) onDone()
    isDone = true
    return { done: true, value: undefined }
  }
  // Whoever left before there was a stream never asks for a value.
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })

  /** By chains, as a function that waits holds a quarter of a kilobyte for each of thousands of streams. */
  function afterWait(isChanged: boolean): Next | Promise<Next> {
    if (!isChanged) return { done: false, value: event({ type: 'ReplyHeartbeat' as const }) }
    return nextNow() ?? waitForChange().then(afterWait)
  }

  /** Undefined when nothing is ready yet. */
  function nextNow(): Next | undefined {
    if (isOver || signal.aborted) return done()
    const value = nextReady()
    return value && { done: false, value }
  }

  function next(): Promise<Next> {
    const now = nextNow()
    return now ? Promise.resolve(now) : waitForChange().then(afterWait)
  }

  async function close(): Promise<Next> {
    stop()
    return done()
  }

  return {
    next,
    return: close,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** A stream of one event, for what never became a reply. */
export async function* streamRejection(rejection: ReplyRejection): AsyncIterableIterator<ReplyEvent> {
  const { cause: _, ...event } = rejection
  yield { ...event, replyId: null, cursor: encodeReplyCursor({ ...REPLY_BEGINNING, isEnded: true }) }
}
