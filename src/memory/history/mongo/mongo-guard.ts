import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb'
import { HistoryUnavailableError } from '../../../errors.ts'
import { TimedOutError, withTimeout } from '../../../with-timeout.ts'

/** Runs one step on the store, in bounded time; a fault of the store rejects with HistoryUnavailableError. */
export type MongoGuard = <T>(step: () => Promise<T>) => Promise<T>

/** Answers that say that the command was wrong: BadValue, FailedToParse, TypeMismatch, conflicting updates, too large (two codes). */
const MISTAKE_CODES: readonly unknown[] = [2, 9, 14, 40, 10334, 17419]

const DUPLICATE_KEY = 11000

/** The driver's own errors that say that it was closed, not that it was misused. */
const CLOSED_ERRORS = [MongoNotConnectedError, MongoClientClosedError, MongoServerClosedError, MongoTopologyClosedError]

/**
 * The one place that decides what a fault of MongoDB means. The deadline stands over the driver's own
 * bounds, since those start anew with each of its retries.
 */
export function createMongoGuard(deadlineMs: number): MongoGuard {
  return async (step) => {
    try {
      return await withTimeout(step(), deadlineMs)
    } catch (error) {
      throw isFault(error) ? new HistoryUnavailableError(error) : error
    }
  }
}

/** Whether a unique index refused a write. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

function isFault(error: unknown): boolean {
  if (error instanceof TimedOutError) return true
  if (error instanceof MongoServerError) return !MISTAKE_CODES.includes(error.code)
  if (error instanceof MongoAPIError) return CLOSED_ERRORS.some((closed) => error instanceof closed)
  return error instanceof MongoError || isSocketError(error)
}

/** A socket's own error (EPIPE, ECONNRESET) can come through the driver as it is. */
function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))
}
