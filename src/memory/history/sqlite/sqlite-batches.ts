import { setImmediate as nextTick } from 'node:timers/promises'

/** Runs one step of SQLite: at once, or in a later tick of the event loop. `lengthOf` says how many characters it was over. */
export type InBatch = <T>(step: () => T, lengthOf: (result: T) => number) => Promise<T>

/** A statement takes as long as reading so many characters more. */
const STATEMENT_LENGTH = 4_000

/**
 * SQLite works on the event loop, so what all callers ask of it is bounded together: after about
 * `batchLength` characters in one tick the next step waits for another tick.
 */
export function createBatches(batchLength: number): InBatch {
  let room = batchLength
  let renewal: Promise<void> | undefined

  async function renew(): Promise<void> {
    await nextTick()
    room = batchLength
    renewal = undefined
  }

  return async function inBatch(step, lengthOf) {
    // Others that waited for the same tick may have used it up.
    while (room <= 0) {
      renewal ??= renew()
      await renewal
    }
    const result = step()
    room -= STATEMENT_LENGTH + lengthOf(result)
    return result
  }
}
