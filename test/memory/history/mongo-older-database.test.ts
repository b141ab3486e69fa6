import { MongoClient } from 'mongodb'
import { expect, onTestFinished, test } from 'vitest'
import { newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER } from '../../support/stored-conversation.ts'

/** Before there were claims a unique index of the conversations decided whose an external id is. */
const OLDER_INDEX = { ownerId: 1, externalId: 1 } as const

test('external ids of a database that is older than their claims lead to their conversations, and are taken', async () => {
  const history = newMongodb()
  const client = new MongoClient(history.mongodbUrl)
  onTestFinished(() => client.close())
  const database = client.db()
  const older = await startMemoryNode({ history })
  const ids: (string | undefined)[] = []
  for (let index = 0; index < 3; index++) {
    const given = index === 2 ? {} : { externalId: `ticket-${index}` }
    ids.push((await older.memory.createConversation(OWNER, given, 'FAIL')).conversation.id)
  }
  await database.collection('externalIds').drop()
  const options = { unique: true, partialFilterExpression: { externalId: { $gte: '' } } }
  await database.collection('conversations').createIndex(OLDER_INDEX, options)

  const nodes = await Promise.all([startMemoryNode({ history }), startMemoryNode({ history })])
  for (const { memory } of nodes) {
    for (const index of [0, 1]) {
      const externalId = `ticket-${index}`
      expect((await memory.findConversationByExternalId(OWNER, externalId))?.id).toBe(ids[index])
      const { conversation, created } = await memory.createConversation(OWNER, { externalId }, 'RETURN')
      expect([conversation.id, created]).toEqual([ids[index], false])
    }
  }
  const indexes = await database.collection('conversations').indexes()
  expect(indexes.map(({ name }) => name)).not.toContain('ownerId_1_externalId_1')
})
