import type { Db, MongoClient } from 'mongodb'
import { createMongoGuard, type MongoGuard } from './mongo-guard.ts'

/** Above the socket's timeout, so that a call usually ends with the driver's own error. */
const DEADLINE_MS = 4_500
/** What the driver says when the URL names no database. */
const UNNAMED_DATABASE = 'test'

/** The database of the client's URL, else `backscroll`, and the guard over every call to it. */
export function mongoDatabase(client: MongoClient): { database: Db; guard: MongoGuard } {
  const { dbName } = client.options
  const database = client.db(dbName === UNNAMED_DATABASE ? 'backscroll' : dbName, { ignoreUndefined: true })
  return { database, guard: createMongoGuard(DEADLINE_MS) }
}
