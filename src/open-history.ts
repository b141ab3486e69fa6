import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { ConversationUnreadableError } from './errors.ts'
import type { Log } from './log.ts'
import type { History } from './memory/history/history.ts'
import type { ReplyRecords } from './memory/history/reply-record.ts'

/** What is durable: on one client or one file, which the history closes. */
export interface DurableStores {
  history: History
  records: ReplyRecords
}

/** A server answers from a cache, so an embedded history has one of them; commands may work beside it. */
export type StoreUser = 'SERVER' | 'COMMAND'

type HistoryConfig = Pick<Config, 'mongodbUrl' | 'dataDir'>

/** Others than the owner of a directory. */
const OTHERS = 0o077

/**
 * The history that is configured, with its replies. Nothing is opened before `prepare`, which rejects with a
 * StartError where people have to put something right, and with HistoryUnavailableError where the store is away.
 * The driver is loaded only here: MongoDB's takes 160 ms of the start.
 */
export async function openHistory(config: HistoryConfig, log: Log, user: StoreUser): Promise<DurableStores> {
  return config.mongodbUrl === undefined ? openSqlite(config.dataDir, log, user) : openMongo(config.mongodbUrl, log)
}

async function openSqlite(dataDir: string, log: Log, user: StoreUser): Promise<DurableStores> {
  const [{ createSqliteDatabase }, { createSqliteHistory }, { createSqliteReplies }, { createSqliteLock }] =
    await Promise.all([
      import('./memory/history/sqlite/sqlite-database.ts'),
      import('./memory/history/sqlite/sqlite-history.ts'),
      import('./memory/history/sqlite/sqlite-replies.ts'),
      import('./memory/history/sqlite/sqlite-lock.ts'),
    ])
  const path = join(dataDir, 'backscroll.db')
  const database = createSqliteDatabase(path)
  const lock = createSqliteLock(path)
  const onUnreadable = unreadableLog(log)
  const history = createSqliteHistory(database, Date.now, onUnreadable)

  async function prepare(): Promise<void> {
    if (user === 'SERVER') await database.guard(lock.acquire)
    await history.prepare()
    const { mode } = statSync(dataDir)
    if ((mode & OTHERS) !== 0) log.warn({ dataDir }, 'other users of this machine may enter DATA_DIR: chmod 700 it')
  }

  async function close(): Promise<void> {
    try {
      await history.close()
    } finally {
      lock.release()
    }
  }

  return { history: { ...history, prepare, close }, records: createSqliteReplies(database, onUnreadable) }
}

async function openMongo(mongodbUrl: string, log: Log): Promise<DurableStores> {
  const [{ MongoClient }, { checkMongoUrl, mongoClientOptions }, { createMongoHistory }, { createMongoReplies }] =
    await Promise.all([
      import('mongodb'),
      import('./memory/history/mongo/mongo-database.ts'),
      import('./memory/history/mongo/mongo-history.ts'),
      import('./memory/history/mongo/mongo-replies.ts'),
    ])
  checkMongoUrl(mongodbUrl)
  const client = new MongoClient(mongodbUrl, mongoClientOptions(mongodbUrl))
  const onIndexing = (collection: string) => log.info({ collection }, 'still making the indexes of a collection')
  const options = { onIndexing, onUnreadable: unreadableLog(log) }
  return { history: createMongoHistory(client, options), records: createMongoReplies(client, options) }
}

function unreadableLog(log: Log): (error: ConversationUnreadableError) => void {
  return (error) => log.error({ err: error }, 'left out, since it cannot be read')
}
