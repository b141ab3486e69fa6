/** An answer that did not come in time. */
export class TimedOutError extends Error {
  constructor(timeoutMs: number) {
    super(`No answer within ${timeoutMs} ms`)
    this.name = 'TimedOutError'
  }
}

/**
 * What the work gives, or a TimedOutError; what comes later is ignored. At its end the timeout polls the
 * sockets once more: after a blocked event loop the answer is often there already.
 * A timer and two callbacks, since p-timeout and cockatiel's timeout make an AbortController for every call.
 */
export function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => setImmediate(() => reject(new TimedOutError(timeoutMs)))
    const timer = setTimeout(expire, timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
