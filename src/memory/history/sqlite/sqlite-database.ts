import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { HistoryUnavailableError, StartError } from '../../../errors.ts'
import { makeDirectory } from '../../../make-directory.ts'
import { sqliteFault } from './sqlite-fault.ts'

/** Values of a statement, by their names. */
export type SqliteValues = Record<string, SQLInputValue>

/** By their places: half the cost, where there are many. */
export type SqliteRow = SQLInputValue[]

/** A database file with its prepared statements. All but `guard` are synchronous and throw as SQLite does. */
export interface SqliteDatabase {
  /**
   * Creates the file, the tables and the indexes that are missing; safe in several processes at once. Throws
   * where nothing can be written, and a StartError for a file of another version.
   */
  open(schema: string): void
  /** An integer that no JavaScript number holds exactly comes as the nearest one, which is no safe integer. */
  all<Row>(sql: string, values: SqliteValues): Row[]
  /** The same, up to the first row for which `isLast` holds. */
  takeUntil<Row>(sql: string, values: SqliteValues, isLast: (row: Row) => boolean): Row[]
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
/** Of the tables and what their values mean; kept in the file. A change of either is another version. */
const FILE_VERSION = 1

/*
 * FULL: what is acknowledged survives a power cut (165 µs an insert; NORMAL, which does not, 26 µs).
 * `secure_delete` overwrites what is removed: an erased message is in no free page of the file.
 */
const SYNCED = 'PRAGMA synchronous = FULL'
const UNSYNCED = 'PRAGMA synchronous = NORMAL'
const PRAGMAS = `PRAGMA journal_mode = WAL; ${SYNCED}; PRAGMA secure_delete = ON`

const OWN_FILE = 0o600
const OTHERS = 0o077

/** `path` is a file, made with its directory when missing, or `:memory:`. Nothing opens before `open`. */
export function createSqliteDatabase(path: string): SqliteDatabase {
  const database = new DatabaseSync(path, { open: false, timeout: BUSY_TIMEOUT_MS })
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()

  function prepare(sql: string) {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }

  function open(schema: string): void {
    if (!database.isOpen) {
      if (path !== ':memory:') makePrivate(path)
      database.open()
      database.exec(PRAGMAS)
      checkVersion()
    }
    transact(() => {
      database.exec(schema)
      // Written at each start, so that a start fails where nothing can be written.
      database.exec(`PRAGMA user_version = ${FILE_VERSION}`)
    })
  }

  /** A file without tables has no version yet. */
  function checkVersion(): void {
    const version = numberOf('user_version')
    if (version === FILE_VERSION || numberOf('schema_version') === 0) return
    const versions = `it has version ${version}, and this program reads version ${FILE_VERSION}`
    throw new StartError(`The history's file ${path} was made by another version of Backscroll: ${versions}.`)
  }

  function numberOf(pragma: string): number {
    const row = database.prepare(`PRAGMA ${pragma}`).get()
    return Number(row?.[pragma])
  }

  function all<Row>(sql: string, values: SqliteValues): Row[] {
    try {
      return prepare(sql).all(values) as Row[]
    } catch (error) {
      if (!isTooLarge(error)) throw error
      return readLarge(sql, values) as Row[]
    }
  }

  function takeUntil<Row>(sql: string, values: SqliteValues, isLast: (row: Row) => boolean): Row[] {
    const rows: Row[] = []
    try {
      for (const row of prepare(sql).iterate(values) as Iterable<Row>) {
        rows.push(row)
        if (isLast(row)) break
      }
      return rows
    } catch (error) {
      if (!isTooLarge(error)) throw error
      return readLarge(sql, values) as Row[]
    }
  }

  /** By a statement of its own: reading every integer so costs more. */
  function readLarge(sql: string, values: SqliteValues): object[] {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return statement.all(values).map((row) => {
      const columns = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? Number(value) : value,
      ])
      return Object.fromEntries(columns) as object
    })
  }

  function run(sql: string, values: SqliteValues | SqliteRow): number {
    const statement = prepare(sql)
    return Number((Array.isArray(values) ? statement.run(...values) : statement.run(values)).changes)
  }

  function transact<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK')
    }
  }

  function unsynced<T>(work: () => T): T {
    database.exec(UNSYNCED)
    try {
      return work()
    } finally {
      database.exec(SYNCED)
    }
  }

  function clearLog(): void {
    prepare('PRAGMA wal_checkpoint(TRUNCATE)').all()
  }

  async function guard<T>(step: () => T | Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (error instanceof StartError) throw error
      const fault = sqliteFault(error, path)
      if (fault === undefined && !database.isOpen) throw new HistoryUnavailableError(error)
      throw fault ?? error
    }
  }

  function close(): void {
    prepared.clear()
    if (database.isOpen) database.close()
  }

  return { open, all, takeUntil, run, transact, unsynced, clearLog, guard, close }
}

/** Node's answer to an integer beyond 2^53 - 1, for which a whole statement fails. */
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE'
}

/** Only the process' user reads the directory that this makes, and the file; SQLite gives its log the rights of the file. */
export function makePrivate(path: string): void {
  makeDirectory(dirname(path))
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & OTHERS) !== 0) chmodSync(file, OWN_FILE)
  }
  // Not opened where it is there: closing it would take the locks of the process' other connections.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) closeSync(openSync(path, 'a', OWN_FILE))
}
