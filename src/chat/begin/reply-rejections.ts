import type { HistoryUnavailableError } from '../../errors.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'

const RETRY_AFTER_MS = 1_000

/** This node takes no more questions; another one does. */
export const SHUTTING_DOWN: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'SHUTTING_DOWN',
  detail: 'This node is stopping. Send again; a question that waited needs a new clientMessageId.',
  retryAfterMs: RETRY_AFTER_MS,
}

/** Another reply of the conversation is in the way. */
export function busy({ id }: ReplyRecord): ReplyRejection {
  const detail = `Reply ${id} is active in this conversation.`
  return { type: 'ReplyRejected', code: 'BUSY', detail, activeReplyId: id, retryAfterMs: RETRY_AFTER_MS }
}

/** Nothing can be begun while the history is away. */
export function unavailable({ code, message }: HistoryUnavailableError): ReplyRejection {
  return { type: 'ReplyRejected', code, detail: message, retryAfterMs: RETRY_AFTER_MS }
}
