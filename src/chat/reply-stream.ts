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
  let wake: (() => void) | undefined
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
      const { offset } = place
      place.offset = view.text.length
      return event({ type: 'ReplyDelta' as const, partIndex: 0, offset, text: view.text.from(offset) })
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
    return new Promise((resolve) => {
      const settle = (isChanged: boolean) => {
        clearTimeout(timer)
        forget()
        wake = undefined
        resolve(isChanged)
      }
      const timer = setTimeout(settle, heartbeatMs, false)
      const forget = view.onChange(() => settle(true))
      wake = () => settle(true)
    })
  }

  function stop(): void {
    isOver = true
    wake?.()
    // Nobody may ever ask for a next value.
    done()
  }

  let isDone = false
  const done = (): IteratorResult<ReplyEvent, undefined> => {
    signal.removeEventListener('abort', stop)
    if (!isDone) onDone()
    isDone = true
    return { done: true, value: undefined }
  }
  // Whoever left before there was a stream never asks for a value.
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })

  return {
    async next() {
      for (;;) {
        if (isOver || signal.aborted) return done()
        const value = take()
        if (value !== undefined) return { done: false, value }
        if (!(await waitForChange())) return { done: false, value: event({ type: 'ReplyHeartbeat' as const }) }
      }
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
