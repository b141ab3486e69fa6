import { setImmediate as nextTick } from 'node:timers/promises'
import { lengthOfDraft } from '../stored-draft.ts'
import type { MessageRow } from './sqlite-rows.ts'

/** Runs one statement that reads messages: at once, or in a later tick of the event loop. */
export type ReadBatches = (read: () => MessageRow[]) => Promise<MessageRow[]>

/** A statement takes as long as reading so many characters more, and a row as so many more than its texts. */
const STATEMENT_LENGTH = 4_000
const ROW_LENGTH = 500

/**
 * SQLite reads on the event loop, so what many statements read is bounded together: after about
 * `batchLength` characters in one tick the next statement waits for another tick.
 */
export function createReadBatches(batchLength: number): ReadBatches {
  let room = batchLength
  let renewal: Promise<void> | undefined

  async function renew(): Promise<void> {
    await nextTick()
    room = batchLength
    renewal = undefined
  }

  async function readInBatch(read: () => MessageRow[]): Promise<MessageRow[]> {
    // Others that waited for the same tick may have used it up.
    while (room <= 0) {
      renewal ??= renew()
      await renewal
    }
    const rows = read()
    room -= rows.reduce((length, row) => length + ROW_LENGTH + lengthOfDraft(row), STATEMENT_LENGTH)
    return rows
  }

  return readInBatch
}
