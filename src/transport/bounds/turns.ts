import { nextTick } from 'node:process'

/** Turns of the event loop, for work that many may ask for at once. */
export interface Turns {
  /** Undefined while there is time left in this turn; else resolves in a later one, first come, first served. */
  next(): Promise<void> | undefined
}

/** What is begun in one turn may take so long before what else is to be done comes first. */
const TURN_MS = 8

/** Turns that all ways in share. Whoever asks for none is not counted. */
export function createTurns(turnMs = TURN_MS, now: () => number = () => performance.now()): Turns {
  const waiting: (() => void)[] = []
  let began: number | undefined

  function next(): Promise<void> | undefined {
    if (began === undefined) begin()
    else if (waiting.length > 0 || isOver()) return new Promise((resolve) => waiting.push(resolve))
    return undefined
  }

  function begin(): void {
    began = now()
    setImmediate(end)
  }

  function end(): void {
    began = undefined
    if (waiting.length === 0) return
    begin()
    release()
  }

  function release(): void {
    waiting.shift()?.()
    // Ticks come before microtasks, but one that a microtask asks for when all that the released one does now is done.
    queueMicrotask(() => nextTick(releaseNext))
  }

  function releaseNext(): void {
    if (waiting.length > 0 && !isOver()) release()
  }

  function isOver(): boolean {
    return began !== undefined && now() - began >= turnMs
  }

  return { next }
}
