import {
  BadUserInputError,
  ClientMessageIdConflictError,
  ConversationUnreadableError,
  HistoryUnavailableError,
  NotFoundError,
} from '../../errors.ts'
import type { InterruptReason, ReplyOutcome } from '../../memory/history/reply-record.ts'
import type { ReplyEnding } from '../follow/reply-event.ts'
import { ModelError } from '../model/chat-model.ts'

/** Why a run's model call was aborted from outside. */
export class InterruptedError extends Error {
  readonly reason: InterruptReason
  constructor(reason: InterruptReason) {
    super(`The reply was interrupted: ${reason}`)
    this.name = 'InterruptedError'
    this.reason = reason
  }
}

/** The outcome of a fault of our own. */
export const INTERNAL = {
  type: 'FAILED',
  code: 'INTERNAL',
  detail: 'Something went wrong here; it was logged.',
  retryable: false,
} as const

/** How a run ended that did not complete; `report` is called for a fault of our own. */
export function outcomeOf(error: unknown, report: () => void): ReplyOutcome {
  if (error instanceof InterruptedError) return { type: 'INTERRUPTED', reason: error.reason }
  if (error instanceof ModelError) {
    const { code, message: detail, retryable, retryAfterMs } = error
    return { type: 'FAILED', code, detail, retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  }
  if (error instanceof HistoryUnavailableError) {
    return { type: 'FAILED', code: error.code, detail: error.message, retryable: error.retryable }
  }
  if (
    error instanceof BadUserInputError ||
    error instanceof ClientMessageIdConflictError ||
    error instanceof ConversationUnreadableError ||
    error instanceof NotFoundError
  ) {
    return { type: 'REJECTED', code: error.code, detail: error.message }
  }
  report()
  return INTERNAL
}

/** How streams end of a reply whose end no store took. */
export function unsealedEnding(error: unknown): Extract<ReplyEnding, { type: 'ReplyFailed' }> {
  const outcome = outcomeOf(error, () => {})
  return { ...(outcome.type === 'FAILED' ? outcome : INTERNAL), type: 'ReplyFailed' }
}
