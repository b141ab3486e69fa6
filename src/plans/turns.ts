import { nextTick } from 'node:process'

/** Turns of the event loop, for work that would hold it. */
export interface Turns {
  /** Resolves in a later turn of the event loop, first come first served. */
  next(): Promise<void>
}

/** Those who wait go on in one turn until so much of it is over. */
const TURN_MS = 4

/** Turns that all large executions share, so that many of them hold the event loop no longer than one. */
export function createTurns(): Turns {
  const waiting: (() => void)[] = []
  let isRunning = false

  function next(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
      if (!isRunning) setImmediate(run)
      isRunning = true
    })
  }

  function run(): void {
    release(performance.now() + TURN_MS)
  }

  /** A tick comes when all that the released one does for now is done. */
  function release(end: number): void {
    waiting.shift()?.()
    nextTick(() => {
      isRunning = waiting.length > 0
      if (!isRunning) return
      if (performance.now() < end) release(end)
      else setImmediate(run)
    })
  }

  return { next }
}
