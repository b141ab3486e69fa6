import type { Db, MongoClient, MongoClientOptions } from 'mongodb'
import { createMongoGuard, type MongoGuard } from './mongo-guard.ts'

/** Above the socket's timeout, so that a call usually ends with the driver's own error. */
const DEADLINE_MS = 4_500
/** What the driver says when the URL names no database. */
const UNNAMED_DATABASE = 'test'

/**
 * How the history's client must be made: every operation ends in bounded time (the driver's own
 * `timeoutMS` does nothing since 7.9), and what is acknowledged is on the disks of a majority. Reads and
 * writes are retried, as is the driver's default, unless the URL says otherwise.
 */
export function mongoClientOptions(): MongoClientOptions {
  return {
    appName: 'backscroll',
    serverSelectionTimeoutMS: 2_000,
    connectTimeoutMS: 2_000,
    waitQueueTimeoutMS: 2_000,
    socketTimeoutMS: 4_000,
    writeConcern: { w: 'majority', journal: true },
  }
}

/** The database of the client's URL, else `backscroll`, and the guard over every call to it. */
export function mongoDatabase(client: MongoClient): { database: Db; guard: MongoGuard } {
  const { dbName } = client.options
  const database = client.db(dbName === UNNAMED_DATABASE ? 'backscroll' : dbName, { ignoreUndefined: true })
  return { database, guard: createMongoGuard(DEADLINE_MS) }
}
