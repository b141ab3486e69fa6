import { nextTick } from 'node:process'

/** Turns of the event loop, for work that many may ask for at once. */
export interface Turns {
  /**
   * Undefined while there is time left in this turn; else resolves in a later one, first come, first served. Work over
   * so many bytes that it is large lets all other work go first, and is the only large one of its turn.
   */
  next(bytes?: number): Promise<void> | undefined
}

/** What is begun in one turn may take so long before what else is to be done comes first. */
const TURN_MS = 8
/** Work over more bytes takes much of a turn by itself: 4 MB are parsed in 20 ms. */
export const MAX_SMALL_BYTES = 262_144

/** Turns that all ways in share. Whoever asks for none is not counted. */
export function createTurns(turnMs = TURN_MS, now: () => number = () => performance.now()): Turns {
  const small: (() => void)[] = []
  const large: (() => void)[] = []
  let began: number | undefined
  let hasLarge = false

  function next(bytes = 0): Promise<void> | undefined {
    const isLarge = bytes > MAX_SMALL_BYTES
    const waiting = isLarge ? large : small
    if (began === undefined) begin()
    else if (waiting.length > 0 || isOver() || (isLarge && (hasLarge || small.length > 0))) {
      return new Promise((resolve) => waiting.push(resolve))
    }
    hasLarge ||= isLarge
    return undefined
  }

  function begin(): void {
    began = now()
    hasLarge = false
    setImmediate(end)
  }

  function end(): void {
    began = undefined
    if (small.length + large.length === 0) return
    begin()
    releaseNext()
  }

  /** One large one in each turn, also where small ones leave it no time: else it would wait for ever. */
  function releaseNext(): void {
    const isSmallNext = small.length > 0 && !isOver()
    if (isSmallNext) release(small)
    else if (large.length > 0 && !hasLarge) {
      hasLarge = true
      release(large)
    }
  }

  function release(waiting: (() => void)[]): void {
    waiting.shift()?.()
    // Ticks come before microtasks, but one that a microtask asks for when all that the released one does now is done.
    queueMicrotask(() => nextTick(releaseNext))
  }

  function isOver(): boolean {
    return began !== undefined && now() - began >= turnMs
  }

  return { next }
}
