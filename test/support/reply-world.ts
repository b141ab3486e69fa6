import { MongoClient } from 'mongodb'
import { createLocalReplyLog } from '../../src/chat/log/local-reply-log.ts'
import { createLocalCache } from '../../src/memory/cache/local-cache.ts'
import { createLocalEvents } from '../../src/memory/events/local-events.ts'
import { mongoClientOptions } from '../../src/memory/history/mongo/mongo-database.ts'
import { createMongoHistory } from '../../src/memory/history/mongo/mongo-history.ts'
import { createMongoReplies } from '../../src/memory/history/mongo/mongo-replies.ts'
import { createSqliteDatabase } from '../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../src/memory/history/sqlite/sqlite-replies.ts'
import { NOTHING_LOST } from './event-reader.ts'
import { ownDatabaseUrl } from './patient-mongodb.ts'
import type { SharedDeps } from './reply-node.ts'

export interface ReplyWorld extends SharedDeps {
  close(): Promise<void>
}

/** Stores in this process, for nodes that share them. */
export async function openSqliteWorld(): Promise<ReplyWorld> {
  const database = createSqliteDatabase(':memory:')
  return open(createSqliteHistory(database), createSqliteReplies(database))
}

/** The MongoDB server of the tests, with a database of its own. */
async function openMongoWorld(): Promise<ReplyWorld> {
  const url = ownDatabaseUrl('replies')
  const client = new MongoClient(url, mongoClientOptions(url))
  return open(createMongoHistory(client), createMongoReplies(client))
}

/** Each store that replies may be in. */
export const REPLY_STORES = [
  { store: 'SQLite', openWorld: openSqliteWorld },
  { store: 'MongoDB', openWorld: openMongoWorld },
]

async function open(history: SharedDeps['history'], records: SharedDeps['records']): Promise<ReplyWorld> {
  await history.prepare()
  await records.prepare()
  const log = createLocalReplyLog()
  return {
    history,
    records,
    log,
    cache: createLocalCache({ tailTokens: 8_000, ttlSeconds: 3_600, maxBytes: 64 * 1024 * 1024 }, Date.now),
    events: createLocalEvents(NOTHING_LOST, {
      logEvents: 1_000,
      bufferEvents: 1_000,
      pollMs: 3_600_000,
      conversations: 100,
    }),
    async close() {
      await log.close()
      await history.close()
    },
  }
}
