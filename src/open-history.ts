import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { History } from './memory/history/history.ts'
import type { ReplyRecords } from './memory/history/reply-record.ts'

/** What is durable: on one client or one file, which the history closes. */
export interface DurableStores {
  history: History
  records: ReplyRecords
}

/** The history that is configured, with its replies. The driver is loaded only here: MongoDB's takes 160 ms of the start. */
export async function openHistory(config: Pick<Config, 'mongodbUrl' | 'dataDir'>): Promise<DurableStores> {
  return config.mongodbUrl === undefined ? openSqlite(config.dataDir) : openMongo(config.mongodbUrl)
}

async function openSqlite(dataDir: string): Promise<DurableStores> {
  const [{ createSqliteDatabase }, { createSqliteHistory }, { createSqliteReplies }] = await Promise.all([
    import('./memory/history/sqlite/sqlite-database.ts'),
    import('./memory/history/sqlite/sqlite-history.ts'),
    import('./memory/history/sqlite/sqlite-replies.ts'),
  ])
  await mkdir(dataDir, { recursive: true })
  const database = createSqliteDatabase(join(dataDir, 'backscroll.db'))
  return { history: createSqliteHistory(database), records: createSqliteReplies(database) }
}

async function openMongo(mongodbUrl: string): Promise<DurableStores> {
  const [{ MongoClient }, { mongoClientOptions }, { createMongoHistory }, { createMongoReplies }] = await Promise.all([
    import('mongodb'),
    import('./memory/history/mongo/mongo-database.ts'),
    import('./memory/history/mongo/mongo-history.ts'),
    import('./memory/history/mongo/mongo-replies.ts'),
  ])
  const client = new MongoClient(mongodbUrl, mongoClientOptions())
  return { history: createMongoHistory(client), records: createMongoReplies(client) }
}
