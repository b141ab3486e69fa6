import {
  BadUserInputError,
  ConversationUnreadableError,
  HistoryUnavailableError,
  NotFoundError,
  RateLimitedError,
} from '../../errors.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { ReplyEnding, ReplyRejection } from '../follow/reply-event.ts'

const RETRY_AFTER_MS = 1_000

/** This node takes no more questions; another one does. */
export const SHUTTING_DOWN: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'SHUTTING_DOWN',
  detail: 'This node is stopping. Send again; a question that waited was not stored.',
  retryAfterMs: RETRY_AFTER_MS,
}

/** A question left the queue without a run: its node stopped, or was lost. */
export const LEFT_QUEUE: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'NODE_LOST',
  detail: 'Its node stopped while it waited. Send again; it was not stored.',
  retryAfterMs: RETRY_AFTER_MS,
}

/** A claim was withdrawn before its reply began, as where its conversation is not its sender's, or a store was away. */
export const WITHDRAWN: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'NOT_FOUND',
  detail: 'The question was withdrawn before its reply began. Send again.',
  retryAfterMs: RETRY_AFTER_MS,
}

/** The conversation was deleted before the reply to its question began. */
export const DELETED_BEFORE: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'NOT_FOUND',
  detail: 'The conversation was deleted.',
}

/** Whether a reply ended as if it had never been claimed. */
export function isWithdrawn(ending: ReplyEnding | undefined): boolean {
  return ending === WITHDRAWN || ending === DELETED_BEFORE
}

/** Another reply of the conversation is in the way. */
export function busy({ id }: ReplyRecord): ReplyRejection {
  const detail = `Reply ${id} is active in this conversation.`
  return { type: 'ReplyRejected', code: 'BUSY', detail, activeReplyId: id, retryAfterMs: RETRY_AFTER_MS }
}

/** The rejection that says what an error says; undefined for one on which a client cannot act. */
export function rejectionOf(cause: unknown): ReplyRejection | undefined {
  if (cause instanceof HistoryUnavailableError) {
    const { code, message: detail, retryable } = cause
    return { type: 'ReplyRejected', code, detail, ...(retryable && { retryAfterMs: RETRY_AFTER_MS }), cause }
  }
  if (cause instanceof RateLimitedError) {
    const { code, message: detail, retryAfterMs } = cause
    return { type: 'ReplyRejected', code, detail, retryAfterMs, cause }
  }
  const isNamed =
    cause instanceof BadUserInputError || cause instanceof NotFoundError || cause instanceof ConversationUnreadableError
  return isNamed ? { type: 'ReplyRejected', code: cause.code, detail: cause.message, cause } : undefined
}
