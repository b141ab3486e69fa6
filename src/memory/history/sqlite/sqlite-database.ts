import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { HistoryUnavailableError } from '../../../errors.ts'

/** Values of a statement, by their names. */
export type SqliteValues = Record<string, SQLInputValue>

/** By their places: half the cost, where there are many. */
export type SqliteRow = SQLInputValue[]

/** A database file with its prepared statements. All but `guard` are synchronous and throw as SQLite does. */
export interface SqliteDatabase {
  /** Creates the tables and indexes that are missing; safe in several processes at once. */
  open(schema: string): void
  all<Row>(sql: string, values: SqliteValues): Row[]
  /** Returns how many rows it changed. */
  run(sql: string, values: SqliteValues | SqliteRow): number
  /** Takes the write lock first, so that writers of other processes wait their turn instead of failing late. */
  transact<T>(work: () => T): T
  /** What this writes survives the process, and a power cut once any later write has: it does not wait for the disk. */
  unsynced<T>(work: () => T): T
  /** Pages of the log hold what was removed since; other processes' readers may put its clearing off. */
  clearLog(): void
  /** The one place that decides what a fault of SQLite means: HistoryUnavailableError. */
  guard<T>(step: () => T | Promise<T>): Promise<T>
  close(): void
}

/** How long a writer waits for those of other processes. */
const BUSY_TIMEOUT_MS = 2_000
/** Primary result codes that say that we were wrong: ERROR, CONSTRAINT, MISMATCH, MISUSE, RANGE. */
const MISTAKE_CODES = [1, 19, 20, 21, 25]

/*
 * FULL: what is acknowledged survives a power cut (165 µs an insert; NORMAL, which does not, 26 µs).
 * `secure_delete` overwrites what is removed: an erased message is in no free page of the file.
 */
const SYNCED = 'PRAGMA synchronous = FULL'
const UNSYNCED = 'PRAGMA synchronous = NORMAL'
const PRAGMAS = `PRAGMA journal_mode = WAL; ${SYNCED}; PRAGMA secure_delete = ON`

/** `path` is a file, made with its directory when missing, or `:memory:`. Nothing opens before `open`. */
export function createSqliteDatabase(path: string): SqliteDatabase {
  const database = new DatabaseSync(path, { open: false, timeout: BUSY_TIMEOUT_MS })
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()

  const prepare = (sql: string) => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }

  const run = (sql: string, values: SqliteValues | SqliteRow): number => {
    const statement = prepare(sql)
    return Number((Array.isArray(values) ? statement.run(...values) : statement.run(values)).changes)
  }

  const transact = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK')
    }
  }

  return {
    open(schema) {
      if (!database.isOpen) {
        if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        database.open()
        database.exec(PRAGMAS)
      }
      transact(() => database.exec(schema))
    },

    all: <Row>(sql: string, values: SqliteValues) => prepare(sql).all(values) as Row[],
    run,
    transact,
    unsynced(work) {
      database.exec(UNSYNCED)
      try {
        return work()
      } finally {
        database.exec(SYNCED)
      }
    },
    clearLog: () => void prepare('PRAGMA wal_checkpoint(TRUNCATE)').all(),

    async guard(step) {
      try {
        return await step()
      } catch (error) {
        throw !database.isOpen || isFault(error) ? new HistoryUnavailableError(error) : error
      }
    },

    close() {
      prepared.clear()
      if (database.isOpen) database.close()
    },
  }
}

/** A fault of SQLite, or of the file system under it. */
function isFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return !MISTAKE_CODES.includes(Number(error.errcode) & 0xff)
  return 'syscall' in error
}
