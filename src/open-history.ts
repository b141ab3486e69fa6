import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { History } from './memory/history.ts'

/** The history that is configured. Its driver is loaded only here: MongoDB's takes 160 ms of the start. */
export async function openHistory({ mongodbUrl, dataDir }: Pick<Config, 'mongodbUrl' | 'dataDir'>): Promise<History> {
  if (mongodbUrl === undefined) {
    const { createSqliteHistory } = await import('./memory/sqlite-history.ts')
    await mkdir(dataDir, { recursive: true })
    return createSqliteHistory(join(dataDir, 'backscroll.db'))
  }
  const [{ MongoClient }, { mongoClientOptions }, { createMongoHistory }] = await Promise.all([
    import('mongodb'),
    import('./memory/mongo-client-options.ts'),
    import('./memory/mongo-history.ts'),
  ])
  return createMongoHistory(new MongoClient(mongodbUrl, mongoClientOptions()))
}
