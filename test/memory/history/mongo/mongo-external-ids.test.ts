import type { Db } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Conversation } from '../../../../src/memory/conversation.ts'
import type { History } from '../../../../src/memory/history/history.ts'
import { encodeConversation } from '../../../../src/memory/history/mongo/mongo-documents.ts'
import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { sampleConversation, TIME } from '../stored-samples.ts'
import { openDatabase } from './mongo-database.ts'

/** What creators and deletions leave that died between two of their writes; each case has an id of its own. */
let history: History
let database: Db

beforeAll(async () => {
  const client = await openDatabase('external-ids')
  database = client.db()
  history = createMongoHistory(client)
  await history.prepare()
})

afterAll(() => history.close())

const named = (externalId: string, given: Partial<Conversation> = {}) => sampleConversation({ externalId, ...given })
const conversations = () => database.collection<{ _id: string }>('conversations')
const claims = () => database.collection<{ _id: string; conversationId: string }>('externalIds')
const claimOf = (externalId: string) => claims().findOne({ _id: JSON.stringify(['ann', externalId]) })

async function claim(externalId: string, conversationId = createConversationId()): Promise<string> {
  await claims().insertOne({ _id: JSON.stringify(['ann', externalId]), conversationId })
  return conversationId
}

test('a claim whose creator died leads to the conversation that the next creator makes, under the claimed id', async () => {
  const claimed = await claim('abandoned')
  expect(await history.findConversationByExternalId('ann', 'abandoned')).toBeUndefined()
  const { conversation, created } = await history.createConversation(named('abandoned', { title: 'next' }))
  expect({ id: conversation.id, title: conversation.title, created }).toEqual({
    id: claimed,
    title: 'next',
    created: true,
  })
  expect(await history.findConversationByExternalId('ann', 'abandoned')).toStrictEqual(conversation)
  const again = await history.createConversation(named('abandoned'))
  expect(again).toStrictEqual({ conversation, created: false })
})

test('a creator that was slow finds what was made for its claim, and has not created it', async () => {
  const slow = named('slow', { createdAt: TIME + 1 })
  await claim('slow', slow.id)
  const { conversation } = await history.createConversation(named('slow', { createdAt: TIME + 2 }))
  expect(conversation.id).toBe(slow.id)
  expect(await history.createConversation(slow)).toStrictEqual({ conversation, created: false })
})

test('a creation that is sent twice makes one conversation', async () => {
  const lost = named('lost')
  await history.createConversation(lost)
  expect(await history.createConversation(lost)).toStrictEqual({ conversation: lost, created: false })
})

test('of twenty that find one claim without its conversation one creates it', async () => {
  const claimed = await claim('crowd')
  const made = Array.from({ length: 20 }, (_, index) => named('crowd', { createdAt: TIME + index }))
  const results = await Promise.all(made.map((each) => history.createConversation(each)))
  expect(results.filter(({ created }) => created)).toHaveLength(1)
  expect(new Set(results.map(({ conversation }) => conversation.id))).toEqual(new Set([claimed]))
})

test('a deletion frees the id, also where it died between its commit and that', async () => {
  const { conversation } = await history.createConversation(named('freed'))
  await history.markDeleted('ann', conversation.id, TIME)
  expect(await claimOf('freed')).toBeNull()
  // As the deletion left it when it died.
  await claim('freed', conversation.id)
  expect(await history.findConversationByExternalId('ann', 'freed')).toBeUndefined()
  const next = await history.createConversation(named('freed'))
  expect(next.created).toBe(true)
  expect(next.conversation.id).not.toBe(conversation.id)
})

test('the end of a deletion takes a claim along that it left, and no later one', async () => {
  const { conversation } = await history.createConversation(named('left'))
  await history.markDeleted('ann', conversation.id, TIME)
  await claim('left', conversation.id)
  await history.removeConversation(conversation.id)
  expect(await claimOf('left')).toBeNull()

  const first = (await history.createConversation(named('later'))).conversation
  await history.markDeleted('ann', first.id, TIME)
  const second = (await history.createConversation(named('later'))).conversation
  await history.removeConversation(first.id)
  expect(await history.findConversationByExternalId('ann', 'later')).toStrictEqual(second)
})

test('owners and ids that read alike together are apart', async () => {
  const pairs = [
    ['a', 'b:c'],
    ['a:b', 'c'],
    ['a","b', 'c'],
    ['a', 'b","c'],
  ]
  for (const [ownerId = '', externalId = ''] of pairs) {
    expect((await history.createConversation(named(externalId, { ownerId }))).created).toBe(true)
  }
})

test('a conversation without an external id makes no claim, and one with it one', async () => {
  const before = await claims().countDocuments()
  await history.createConversation(sampleConversation())
  expect(await claims().countDocuments()).toBe(before)
  await conversations().insertOne(encodeConversation(sampleConversation()))
  await history.createConversation(named('one claim'))
  expect(await claims().countDocuments()).toBe(before + 1)
})
