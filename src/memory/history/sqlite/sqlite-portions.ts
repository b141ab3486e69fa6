import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MessageRow } from './sqlite-rows.ts'

/** Runs one statement that reads messages: at once, or when the event loop has had its turn. */
export type Portions = (read: () => MessageRow[]) => Promise<MessageRow[]>

/** A statement takes as long as reading so many characters more, and a row as so many more than its texts. */
const STATEMENT_LENGTH = 4_000
const ROW_LENGTH = 500

/**
 * SQLite reads on the event loop, so what many statements read is bounded together: after about
 * `portionLength` characters in one turn of the loop the next statement waits for another one.
 */
export function createPortions(portionLength: number): Portions {
  let room = portionLength
  let renewal: Promise<void> | undefined

  async function renew(): Promise<void> {
    await nextTurn()
    room = portionLength
    renewal = undefined
  }

  return async (read) => {
    // Whoever waited beside may have used the new portion up.
    while (room <= 0) {
      renewal ??= renew()
      await renewal
    }
    const rows = read()
    room -= rows.reduce((length, row) => length + lengthOf(row), STATEMENT_LENGTH)
    return rows
  }
}

function lengthOf({ content, parts, metadata }: MessageRow): number {
  return ROW_LENGTH + (content ?? parts ?? '').length + (metadata ?? '').length
}
