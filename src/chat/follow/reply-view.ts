import type { Context } from '../../memory/context.ts'
import type { Message, MessagePart } from '../../memory/message.ts'
import { encodeReplyCursor, type ReplyDelta, type ReplyEnding, type ReplyPlace } from './reply-event.ts'
import { createReplyText, type ReplyText } from './reply-text.ts'

/** What the model was given. */
export interface ReplyStart {
  question: Message
  context: Context
  model: string
}

/**
 * A reply as this node knows it: the state that subscribers stream from, whoever runs it. The text is
 * the buffer: it only grows, and a subscriber takes what it lacks when it is ready.
 */
export interface ReplyView {
  readonly replyId: string
  /** Place in the queue while it waits there; 1 is next. */
  readonly queuePosition: number | undefined
  readonly start: ReplyStart | undefined
  /** Never ends in half of a surrogate pair. It is for subscribers only when `start` is there. */
  readonly text: Pick<ReplyText, 'length' | 'from'>
  /** What the model thought, alike. */
  readonly reasoning: Pick<ReplyText, 'length' | 'from'>
  /** The places of both among the parts of the message. */
  readonly isReasoningFirst: boolean
  /** Whole parts that are neither. */
  readonly parts: readonly MessagePart[]
  readonly ending: ReplyEnding | undefined
  /** The text behind a place, up to its end as it is now: the same event for all who ask for the same. */
  deltaBehind(place: ReplyPlace): ReplyDelta
  /** Calls back once, at the next change, unless the returned function is called before. */
  onChange(callback: () => void): () => void
}

/** A view as its only writer has it. */
export interface ReplyViewControl extends ReplyView {
  queue(position: number): void
  begin(start: ReplyStart): void
  /** Text at its place; what is there already is ignored. */
  placeText(offset: number, text: string): void
  placeReasoning(offset: number, text: string): void
  addPart(part: MessagePart): void
  end(ending: ReplyEnding): void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Subscribers that are notified in one tick. */
const NOTIFIED_AT_ONCE = 50

/**
 * A view of a reply of which nothing is known yet. Plain properties: an object with getters is a
 * dictionary to V8, and five times as large.
 */
export function createReplyView(replyId: string): ReplyViewControl {
  const parts: MessagePart[] = []
  const text = createReplyText()
  const reasoning = createReplyText()
  let callbacks = new Set<() => void>()
  let newest: ReplyDelta | undefined
  let newestEnd = 0
  let newestPartCount = 0
  let newestReasoning = 0

  function notify(): void {
    const due = callbacks
    callbacks = new Set()
    notifySome(due)
  }

  /** The rest follows in later ticks: what a thousand subscribers then do takes a quarter of a second. */
  function notifySome(due: Set<() => void>): void {
    let count = 0
    for (const callback of due) {
      if (count === NOTIFIED_AT_ONCE) {
        setImmediate(notifySome, due)
        return
      }
      count += 1
      due.delete(callback)
      callback()
    }
  }

  function deltaBehind({ offset, reasoningOffset, partCount }: ReplyPlace): ReplyDelta {
    const isSamePlace = newestPartCount === partCount && newestReasoning === reasoningOffset
    if (newest?.offset !== offset || newestEnd !== text.length || !isSamePlace) {
      newestEnd = text.length
      newestPartCount = partCount
      newestReasoning = reasoningOffset
      const place = { isStarted: true, offset: newestEnd, reasoningOffset, partCount, isEnded: false }
      const partIndex = view.isReasoningFirst ? 1 : 0
      const cursor = encodeReplyCursor(place)
      newest = { type: 'ReplyDelta', partIndex, offset, text: text.from(offset), replyId, cursor }
    }
    return newest
  }

  function onChange(callback: () => void): () => void {
    const own = callbacks.add(callback)
    return () => own.delete(callback)
  }

  function queue(position: number): void {
    if (position === view.queuePosition) return
    view.queuePosition = position
    notify()
  }

  function begin(begun: ReplyStart): void {
    view.start = begun
    view.queuePosition = undefined
    notify()
  }

  function placeText(offset: number, added: string): void {
    if (text.place(offset, added)) notify()
  }

  function placeReasoning(offset: number, added: string): void {
    if (!reasoning.place(offset, added)) return
    if (text.length === 0) view.isReasoningFirst = true
    notify()
  }

  function addPart(part: MessagePart): void {
    parts.push(part)
    notify()
  }

  function end(ended: ReplyEnding): void {
    if (view.ending !== undefined) return
    view.ending = ended
    notify()
  }

  const view: Mutable<ReplyViewControl> = {
    replyId,
    text,
    reasoning,
    isReasoningFirst: false,
    parts,
    queuePosition: undefined,
    start: undefined,
    ending: undefined,
    deltaBehind,
    onChange,
    queue,
    begin,
    placeText,
    placeReasoning,
    addPart,
    end,
  }
  return view
}

/** Places all that is known of text and thoughts, in the order of their parts. */
export function placeSaid(
  view: ReplyViewControl,
  { text, reasoning, isReasoningFirst }: { text: string; reasoning: string; isReasoningFirst: boolean },
): void {
  if (isReasoningFirst) view.placeReasoning(0, reasoning)
  view.placeText(0, text)
  if (!isReasoningFirst) view.placeReasoning(0, reasoning)
}

/** Resolves when it is so; it is checked at every change. */
export async function untilTrue(view: ReplyView, isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => view.onChange(resolve))
}
