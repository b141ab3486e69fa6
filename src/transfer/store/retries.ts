import { ExponentialBackoff, handleType, type IPolicy, retry, wrap } from 'cockatiel'
import { ClientMessageIdConflictError, HistoryUnavailableError } from '../../errors.ts'

/** How an import waits for a history, and who is told; both have defaults. */
export interface RetryDeps {
  /** Called before the wait for an attempt that comes after a fault of the history. */
  onRetry?(waitMs: number): void
  /** The first wait, from which they grow. */
  retryMs?: number
}

/** Some minutes at most, beside what the calls take. */
const LATER_ATTEMPTS = 7
const LONGEST_MS = 20_000
const RETRY_MS = 500
const ATTEMPTS_BESIDE_OTHERS = 3

/**
 * Stores a conversation again where the history could not be reached, or where another import or a server stored the same
 * at the same time: it is found then. Rejects at last as the last attempt did. The retries are cockatiel's.
 */
export function createRetries({ onRetry, retryMs = RETRY_MS }: RetryDeps): IPolicy {
  const backoff = new ExponentialBackoff({ initialDelay: retryMs, maxDelay: LONGEST_MS })
  const unreached = retry(handleType(HistoryUnavailableError), { maxAttempts: LATER_ATTEMPTS, backoff })
  unreached.onRetry(({ delay }) => onRetry?.(delay))
  const crossed = retry(handleType(ClientMessageIdConflictError), { maxAttempts: ATTEMPTS_BESIDE_OTHERS })
  return wrap(crossed, unreached)
}
