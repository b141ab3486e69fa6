import { MongoClient } from 'mongodb'
import { expect, inject, onTestFinished, test } from 'vitest'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'
import { type ConversationDocument, encodeConversation } from '../../../../src/memory/history/mongo/mongo-documents.ts'
import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { describeHistory } from '../history-suite.ts'
import { sampleConversation } from '../stored-samples.ts'
import { databaseUrl } from './mongo-database.ts'

describeHistory('the history in MongoDB', async (now) => {
  const client = new MongoClient(databaseUrl(inject('mongodbUrl'), 'history-suite'), mongoClientOptions())
  await client.db().dropDatabase()
  return createMongoHistory(client, now)
})

async function openOwn(name: string) {
  const client = new MongoClient(databaseUrl(inject('mongodbUrl'), name), mongoClientOptions())
  await client.db().dropDatabase()
  const history = createMongoHistory(client)
  onTestFinished(() => history.close())
  await history.prepare()
  return { history, conversations: client.db().collection<ConversationDocument>('conversations') }
}

test('a document from before messages had versions is found in MongoDB, and takes switches', async () => {
  const { history, conversations } = await openOwn('history-older')
  const conversation = sampleConversation()
  const { id } = conversation
  const { selectedEpochs: _, ...older } = encodeConversation(conversation)
  await conversations.insertOne(older)
  expect(await history.findConversations('ann', [id])).toStrictEqual([conversation])
  expect(await history.switchBranch('ann', id, { fromEpoch: 0, toEpoch: 1, branch: '0' })).toBe(true)
  const switched = { ...conversation, branchEpoch: 1, selectedEpochs: { 0: 1 } }
  expect(await history.findConversations('ann', [id])).toStrictEqual([switched])
})
