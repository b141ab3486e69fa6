/**
 * A read that those who come while one is under way share, the next one: each caller gets what was read after it
 * called, as nobody may be given what was redacted before. So at most one runs, and one waits.
 */
export function createSharedRead<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve()
  let waiting: Promise<T> | undefined

  function sendNext(): Promise<T> {
    waiting = undefined
    const sent = read()
    running = sent.catch(() => {})
    return sent
  }

  return function readShared(): Promise<T> {
    waiting ??= running.then(sendNext)
    return waiting
  }
}
