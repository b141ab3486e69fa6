/** An answer that did not come in time. */
class TimedOutError extends Error {
  constructor(timeoutMs: number) {
    super(`No answer within ${timeoutMs} ms`)
    this.name = 'TimedOutError'
  }
}

/**
 * What the work gives, or a TimedOutError; what comes later is ignored. A timeout waits for one more
 * look at the sockets: after a blocked event loop the answer is often there already.
 * A timer and two callbacks, since cockatiel's timeout makes an AbortController for every call.
 */
export function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(new TimedOutError(timeoutMs))), timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
