import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel'

/** Runs the commands of all that use one store, and decides for all of them when a failed one is worth a retry. */
export interface RetryGate {
  /** Rejects as the command does; after too many faults in a row at once, with a BrokenCircuitError. */
  execute<T>(command: () => Promise<T>): Promise<T>
  /** Calls one of the two at each next chance, until the returned function is called. */
  wait(waiter: RetryWaiter): () => void
  close(): void
}

/** Who waits for a retry. */
export interface RetryWaiter {
  /** The store is back, or this one is to find out; it waits no more. */
  retry(): void
  /** Another one is to find out. */
  onMissed?(): void
}

/** When the store counts as away, and how often it is tried. */
export interface RetryGateLimits {
  /** How long after a single failure all that failed is retried. */
  retryMs: number
  /** So many failed commands in a row make all wait. */
  faultsToPause: number
  /** How long they wait before one of them is tried. */
  pauseMs: number
}

/**
 * One timer, however many wait: while the store is away one of them is tried at a time, and when it is back the
 * breaker's event lets all go. The breaker is cockatiel's.
 */
export function createRetryGate(limits: RetryGateLimits): RetryGate {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: limits.pauseMs,
    breaker: new ConsecutiveBreaker(limits.faultsToPause),
  })
  const waiters = new Set<RetryWaiter>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  breaker.onReset(retryAll)

  function retryAll(): void {
    for (const waiter of [...waiters]) retryOne(waiter)
  }

  function retryOne(waiter: RetryWaiter): void {
    if (waiters.delete(waiter)) waiter.retry()
  }

  function tick(): void {
    timer = undefined
    const [first, ...rest] = waiters
    if (breaker.state === CircuitState.Closed) retryAll()
    else if (first !== undefined) {
      retryOne(first)
      for (const waiter of rest) waiter.onMissed?.()
    }
    schedule()
  }

  function schedule(): void {
    if (isClosed || waiters.size === 0) return
    timer ??= setTimeout(tick, breaker.state === CircuitState.Closed ? limits.retryMs : limits.pauseMs).unref()
  }

  function wait(waiter: RetryWaiter): () => void {
    waiters.add(waiter)
    schedule()
    return () => void waiters.delete(waiter)
  }

  function close(): void {
    isClosed = true
    clearTimeout(timer)
    waiters.clear()
  }

  return { execute: (command) => breaker.execute(command), wait, close }
}
