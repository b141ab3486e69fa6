/** A server that answers so cannot take writes, and may not for long: another one, or the same one later, can. */
const OUTAGES = /^(READONLY|NOREPLICAS|MISCONF|MASTERDOWN|CLUSTERDOWN|LOADING)\b/

/** An answer that the given database is not there: whoever goes on works on another one. */
const NO_DATABASE = /DB index is out of range|invalid DB index/

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 30_000
/** After so long without a refusal the waits begin anew. */
const FORGET_MS = 60_000

/** Whether an answer of Redis means that it is not available, although it answers. */
export function isOutage(error: unknown): boolean {
  return error instanceof Error && OUTAGES.test(error.message)
}

/** Whether the URL's database does not exist. */
export function isMissingDatabase(error: unknown): boolean {
  return error instanceof Error && NO_DATABASE.test(error.message)
}

/**
 * Decides for one client whether a failed command is a reason to connect anew: behind the same address there may be
 * another server after a failover. Not at once again, but after waits that double, so that a refusal that lasts is no
 * storm of connections. `now` gives milliseconds.
 */
export function createReconnectRule(now: () => number): (error: Error) => boolean {
  let waitMs = FIRST_WAIT_MS
  let reconnectedAt = Number.NEGATIVE_INFINITY

  return (error) => {
    if (!isOutage(error)) return false
    const sinceMs = now() - reconnectedAt
    if (sinceMs < waitMs) return false
    waitMs = sinceMs > FORGET_MS ? FIRST_WAIT_MS : Math.min(2 * waitMs, LONGEST_WAIT_MS)
    reconnectedAt = now()
    return true
  }
}
