import { setImmediate as nextTick } from 'node:timers/promises'
import type { SqliteDatabase } from './sqlite-database.ts'

/** Bounds of one transaction: what is removed is written over, and 2 MB hold the event loop for some 7 ms. */
const MOST_ROWS = 200
const MOST_BYTES = 2_000_000
/** A row's other columns and its places in the indexes, roughly. */
const FRAME_BYTES = 500

/** The tables that hold content of conversations, with the columns that may be long. */
const LONG_COLUMNS = {
  messages: ['content', 'parts', 'metadata'],
  replies: ['question', 'text', 'parts'],
} as const

/** A row that is to be removed. */
interface OldRow {
  rowid: number
  bytes: number
}

/**
 * Removes the rows that a condition on an index finds, at most `limit`, in transactions that are bounded by rows and by
 * bytes. Between two of them the event loop is free. Returns how many.
 */
export async function removeRows(
  database: SqliteDatabase,
  table: keyof typeof LONG_COLUMNS,
  condition: string,
  values: Record<string, string | number>,
  limit: number,
): Promise<number> {
  const bytes = LONG_COLUMNS[table].map((column) => `ifnull(octet_length(${column}), 0)`).join(' + ')
  const find = `SELECT rowid, ${bytes} + ${FRAME_BYTES} AS bytes FROM ${table} WHERE ${condition} LIMIT :limit`
  const remove = `DELETE FROM ${table} WHERE rowid IN (SELECT value FROM json_each(:rowids))`
  let removed = 0
  while (removed < limit) {
    if (removed > 0) await nextTick()
    const rows = Math.min(MOST_ROWS, limit - removed)
    const step = await database.guard(() =>
      database.transact(() => {
        const batch = withinBytes(database.all<OldRow>(find, { ...values, limit: rows }))
        return database.run(remove, { rowids: JSON.stringify(batch.map(({ rowid }) => rowid)) })
      }),
    )
    if (step === 0) break
    removed += step
  }
  return removed
}

/** As many rows from the beginning as are within the bytes; the first one whatever its length. */
function withinBytes(rows: readonly OldRow[]): readonly OldRow[] {
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    bytes += row.bytes
    return index > 0 && bytes > MOST_BYTES
  })
  return end < 0 ? rows : rows.slice(0, end)
}
