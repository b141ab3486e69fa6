import { MongoClient } from 'mongodb'
import { inject } from 'vitest'
import { mongoClientOptions } from '../../../src/memory/history/mongo-client-options.ts'
import { createMongoHistory } from '../../../src/memory/history/mongo-history.ts'
import { describeHistory } from './history-suite.ts'
import { databaseUrl } from './mongo-database.ts'

describeHistory('the history in MongoDB', async (now) => {
  const client = new MongoClient(databaseUrl(inject('mongodbUrl'), 'history-suite'), mongoClientOptions())
  await client.db().dropDatabase()
  return createMongoHistory(client, now)
})
