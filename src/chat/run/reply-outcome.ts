import {
  BadUserInputError,
  ClientMessageIdConflictError,
  HistoryUnavailableError,
  NotFoundError,
} from '../../errors.ts'
import type { InterruptReason, ReplyOutcome } from '../../memory/history/reply-record.ts'
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

/** How a run ended that did not complete; `report` is called for a fault of our own. */
export function outcomeOf(error: unknown, report: () => void): ReplyOutcome {
  if (error instanceof InterruptedError) return { type: 'INTERRUPTED', reason: error.reason }
  if (error instanceof ModelError) {
    return { type: 'FAILED', code: error.code, detail: error.message, retryable: error.retryable }
  }
  if (error instanceof HistoryUnavailableError) {
    return { type: 'FAILED', code: error.code, detail: error.message, retryable: true }
  }
  if (
    error instanceof BadUserInputError ||
    error instanceof ClientMessageIdConflictError ||
    error instanceof NotFoundError
  ) {
    return { type: 'REJECTED', code: error.code, detail: error.message }
  }
  report()
  return { type: 'FAILED', code: 'INTERNAL', detail: 'Something went wrong here; it was logged.', retryable: false }
}
