import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { HistoryUnavailableError } from '../../errors.ts'

/** Values of a statement, by their names. */
export type SqliteValues = Record<string, SQLInputValue>

/** A database file with its prepared statements. All but `guard` are synchronous and throw as SQLite does. */
export interface SqliteDatabase {
  /** Creates what is missing; safe in several processes at once. */
  open(schema: string): void
  all<Row>(sql: string, values: SqliteValues): Row[]
  /** Returns how many rows it changed. */
  run(sql: string, values: SqliteValues): number
  /** Takes the write lock first, so that writers of other processes wait their turn instead of failing late. */
  transact<T>(work: () => T): T
  /** Pages of the log before a removal hold what was removed; other processes' readers may put it off. */
  clearLog(): void
  /** The one place that decides what a fault of SQLite means: HistoryUnavailableError. */
  guard<T>(step: () => T): Promise<T>
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
const PRAGMAS = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON'

const CLEAR_LOG = 'PRAGMA wal_checkpoint(TRUNCATE)'

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
      transact(() => {
        addColumns(database, schema)
        database.exec(schema)
      })
    },

    all: <Row>(sql: string, values: SqliteValues) => prepare(sql).all(values) as Row[],
    run: (sql, values) => Number(prepare(sql).run(values).changes),
    transact,
    clearLog: () => void prepare(CLEAR_LOG).all(),

    async guard(step) {
      try {
        return step()
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

/** Files of earlier versions lack columns. What is added must be able to be null, or have a default. */
function addColumns(database: DatabaseSync, schema: string): void {
  for (const [, table = '', body = ''] of schema.matchAll(
    /CREATE TABLE IF NOT EXISTS (\w+) \(\n([^;]*?)\n +\) STRICT/g,
  )) {
    const present = database.prepare('SELECT name FROM pragma_table_info(?)').all(table)
    const names = new Set(present.map(({ name }) => name))
    if (names.size === 0) continue
    for (const line of body.split(',\n')) {
      const column = line.trim()
      const isKnown = names.has(/^\w+/.exec(column)?.[0] ?? '') || column.includes('GENERATED')
      if (!isKnown) database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`)
    }
  }
}

/** A fault of SQLite, or of the file system under it. */
function isFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return !MISTAKE_CODES.includes(Number(error.errcode) & 0xff)
  return 'syscall' in error
}
