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
 * `onDone` is called once. `start` is told instead of the view's.
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
  let wake: ((isChanged: boolean) => void) | undefined
  let forget = () => {}
  let waitsSince = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = after.isEnded

  const event = <T extends object>(fields: T): T & { replyId: string; cursor: string } => ({
    ...fields,
    replyId: view.replyId,
    cursor: encodeReplyCursor(place),
  })

  /** What is ready to be told now, and only then is it built. */
  function take(): ReplyEvent | undefined {
    if (view.queuePosition !== undefined && view.queuePosition !== queuePosition) {
      queuePosition = view.queuePosition
      return event({ type: 'ReplyQueued' as const, position: queuePosition })
    }
    if (view.start !== undefined && !place.isStarted) {
      place.isStarted = true
      return event({ type: 'ReplyStarted' as const, ...(start ?? view.start) })
    }
    return takeContent() ?? takeEnding()
  }

  function takeContent(): ReplyEvent | undefined {
    if (view.start === undefined) return undefined
    if (place.offset < view.text.length) {
      const delta = view.deltaBehind(place)
      place.offset = view.text.length
      return delta
    }
    const part = view.parts[place.partCount]
    if (part === undefined) return undefined
    // The text is complete when its first part comes, and is the message's first part if there is any.
    const partIndex = place.partCount + (view.text.length === 0 ? 0 : 1)
    place.partCount += 1
    return event({ type: 'ReplyPart' as const, partIndex, part })
  }

  function takeEnding(): ReplyEvent | undefined {
    if (view.ending === undefined) return undefined
    isOver = true
    place.isEnded = true
    return event(view.ending)
  }

  /** True when the view changed; false after a time of silence. */
  function waitForChange(): Promise<boolean> {
    waitsSince = performance.now()
    timer ??= setTimeout(beat, heartbeatMs)
    forget = view.onChange(changed)
    return new Promise((resolve) => {
      wake = resolve
    })
  }

  function changed(): void {
    wake?.(true)
  }

  /** One timer runs on through all events: to set one for each of them costs more than the rest of the wait. */
  function beat(): void {
    const leftMs = waitsSince + heartbeatMs - performance.now()
    timer = leftMs > 0 ? setTimeout(beat, leftMs) : undefined
    if (timer !== undefined) return
    forget()
    wake?.(false)
  }

  function stop(): void {
    isOver = true
    wake?.(true)
    // Nobody may ever ask for a next value.
    done()
  }

  let isDone = false
  const done = (): IteratorResult<ReplyEvent, undefined> => {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    forget()
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

  /** Undefined when there is nothing to tell yet. */
  function nextNow(): Next | undefined {
    if (isOver || signal.aborted) return done()
    const value = take()
    return value && { done: false, value }
  }

  return {
    next() {
      const now = nextNow()
      return now ? Promise.resolve(now) : waitForChange().then(afterWait)
    },
    async return() {
      stop()
      return done()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** A stream of one event, for what never became a reply. */
export async function* streamRejection(rejection: ReplyRejection): AsyncIterableIterator<ReplyEvent> {
  yield { ...rejection, replyId: null, cursor: encodeReplyCursor({ ...REPLY_BEGINNING, isEnded: true }) }
}
