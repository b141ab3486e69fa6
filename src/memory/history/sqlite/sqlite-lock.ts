import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from '../../../errors.ts'
import { makePrivate } from './sqlite-database.ts'

/** What holds off every other server from a file. */
export interface SqliteLock {
  /** Throws a StartError that names the process that holds it. */
  acquire(): void
  release(): void
}

/** SQLite's result code for a lock that another connection holds. */
const BUSY = 5

/**
 * The lock of the one server of a database file: a second file beside it, `…-lock`, in a transaction that never
 * ends. The system takes the lock from a process that dies, so nothing is left to clean up. Node has no lock of
 * files; proper-lockfile and the like renew a file's time, and leave it behind for its stale time.
 */
export function createSqliteLock(databasePath: string): SqliteLock {
  const path = `${databasePath}-lock`
  const holderPath = `${path}.pid`
  const file = new DatabaseSync(path, { open: false, timeout: 0 })

  function acquire(): void {
    if (file.isOpen) return
    makePrivate(path)
    file.open()
    try {
      file.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      file.close()
      if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) throw heldError(error)
      throw error
    }
    writeFileSync(holderPath, String(process.pid), { mode: 0o600 })
  }

  function heldError(cause: unknown): StartError {
    const message = `Another server uses ${databasePath}: the process ${holder()}. Stop it, or give this one a DATA_DIR of its own.`
    return new StartError(message, cause)
  }

  function holder(): string {
    try {
      return readFileSync(holderPath, 'utf8')
    } catch {
      return 'that started just now'
    }
  }

  function release(): void {
    if (file.isOpen) file.close()
  }

  return { acquire, release }
}
