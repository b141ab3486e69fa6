import type { ReplyErrorCode, ReplyRejectionCode } from '../../errors.ts'
import type { Context } from '../../memory/context.ts'
import type { InterruptReason } from '../../memory/history/reply-record.ts'
import type { Message, MessagePart } from '../../memory/message.ts'

interface Event {
  /** Null only in a rejection, which has no reply. */
  replyId: string | null
  /** Opaque; subscribing after it yields exactly the rest. */
  cursor: string
}

/** What a subscriber of a reply gets: events, then exactly one ending. */
export type ReplyEvent = Event &
  (
    | { type: 'ReplyQueued'; position: number }
    | { type: 'ReplyStarted'; question: Message; context: Context; model: string }
    | { type: 'ReplyDelta'; partIndex: number; offset: number; text: string }
    | { type: 'ReplyReasoningDelta'; partIndex: number; offset: number; text: string }
    | { type: 'ReplyPart'; partIndex: number; part: MessagePart }
    | { type: 'ReplyHeartbeat' }
    | ReplyEnding
  )

/** More of the text. */
export type ReplyDelta = Extract<ReplyEvent, { type: 'ReplyDelta' }>

/** The event that ends a stream; exactly one comes. */
export type ReplyEnding =
  | { type: 'ReplyCompleted'; message: Message }
  | { type: 'ReplyInterrupted'; reason: InterruptReason; partial?: Message }
  | {
      type: 'ReplyFailed'
      code: ReplyErrorCode
      detail: string
      retryable: boolean
      /** How long the provider asks to wait. */
      retryAfterMs?: number
      partial?: Message
    }
  | ReplyRejection

/** What was not begun, and why: nothing of it is stored. */
export interface ReplyRejection {
  type: 'ReplyRejected'
  code: ReplyRejectionCode
  detail: string
  activeReplyId?: string
  retryAfterMs?: number
  /** The error that says the same, where one was met. */
  cause?: Error
}

/** How far a subscriber is: what a cursor holds. */
export interface ReplyPlace {
  isStarted: boolean
  /** Of the text, in UTF-16 units. */
  offset: number
  /** Of what the model thought, alike. */
  reasoningOffset: number
  /** Whole parts seen. */
  partCount: number
  isEnded: boolean
}

/** Where a subscriber is that has seen nothing. */
export const REPLY_BEGINNING: ReplyPlace = {
  isStarted: false,
  offset: 0,
  reasoningOffset: 0,
  partCount: 0,
  isEnded: false,
}

/** The place as an opaque cursor. */
export function encodeReplyCursor({ isStarted, offset, reasoningOffset, partCount, isEnded }: ReplyPlace): string {
  const thought = reasoningOffset === 0 ? [] : [reasoningOffset]
  const text = [Number(isStarted), offset, partCount, Number(isEnded), ...thought].join('.')
  return Buffer.from(text).toString('base64url')
}

/** Undefined for what is no cursor of a reply. */
export function decodeReplyCursor(cursor: string): ReplyPlace | undefined {
  const [, started, offset, partCount, ended, reasoningOffset = 0] =
    /^([01])\.(\d{1,9})\.(\d{1,4})\.([01])(?:\.(\d{1,9}))?$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (started === undefined) return undefined
  return {
    isStarted: started === '1',
    offset: Number(offset),
    reasoningOffset: Number(reasoningOffset),
    partCount: Number(partCount),
    isEnded: ended === '1',
  }
}
