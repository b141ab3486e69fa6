import type { CommandSucceededEvent } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { History } from '../../../../src/memory/history/history.ts'
import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { everyHistoryCall } from '../every-history-call.ts'
import { sampleConversation, sampleMessage, sampleMessages } from '../stored-samples.ts'
import { openDatabase } from './mongo-database.ts'

const SHORT = 100
const LONG = 10_000

describe('what the history asks of MongoDB', () => {
  let history: History
  let commands: CommandSucceededEvent[] = []

  beforeAll(async () => {
    const client = await openDatabase('history-queries', { monitorCommands: true })
    client.on('commandSucceeded', (event) => commands.push(event))
    history = createMongoHistory(client)
    await history.prepare()
    // The first read asks what server it is.
    await history.findUnfinishedDeletions(0, 1)
  })

  beforeEach(() => {
    commands = []
  })

  afterAll(() => history.close())

  const documentsFetched = () => commands.reduce((sum, { reply }) => sum + batchLength(reply), 0)

  it('is the same for a budget of a short conversation and of a long one', async () => {
    const fetched: number[] = []
    for (const length of [SHORT, LONG]) {
      const conversationId = createConversationId()
      for (let last = 0; last < length; last += 1_000) {
        await history.insertMessages(sampleMessages(conversationId, last + 1, Math.min(length, last + 1_000)))
      }
      commands = []
      const fromTokens = (length - 60) * 10
      const range = { conversationId, branch: '0', fromTokens, limit: 10_000 }
      expect(await history.readTokenRange(range)).toHaveLength(60)
      expect(await history.readTokenRange({ ...range, belowTokens: fromTokens + 100 })).toHaveLength(10)
      expect(commands.map(({ commandName }) => commandName)).toStrictEqual(['find', 'find'])
      fetched.push(documentsFetched())
    }
    expect(fetched).toStrictEqual([70, 70])
  })

  it('is one round trip however many messages it reads', async () => {
    const conversationId = createConversationId()
    await history.insertMessages(sampleMessages(conversationId, 1, 900))
    commands = []
    const range = { conversationId, branch: '0', fromTokens: 0, limit: 900 }
    expect(await history.readTokenRange(range)).toHaveLength(900)
    expect(await history.findMessages(sampleMessages(conversationId, 1, 300).map(({ id }) => id))).toHaveLength(300)
    expect(commands.map(({ commandName }) => commandName)).toStrictEqual(['find', 'find'])
  })

  it('comes in batches of a thousand, each decoded in a tick of its own', async () => {
    const conversationId = createConversationId()
    for (let last = 0; last < 2_500; last += 500) {
      await history.insertMessages(sampleMessages(conversationId, last + 1, last + 500))
    }
    commands = []
    const range = { conversationId, branch: '0', afterSequence: 0, beforeSequence: 10_000, limit: 10_000 }
    const { messages } = await history.readSequenceRange({ ...range, from: 'OLDEST' })
    expect(messages).toEqual(sampleMessages(conversationId, 1, 2_500))
    expect(commands.map(({ reply }) => batchLength(reply))).toStrictEqual([1_000, 1_000, 500])
  })

  it('is two queries for a page of the list, and no more documents than two pages', async () => {
    for (let index = 0; index < 30; index++) await history.createConversation(sampleConversation({ ownerId: 'pager' }))
    const list = { ownerId: 'pager', archived: false, limit: 5 }
    const [newer] = await history.listConversations({ ...list, from: 'NEWEST' })
    commands = []
    if (newer) expect(await history.listConversations({ ...list, newer, from: 'NEWEST' })).toHaveLength(5)
    expect(commands.map(({ commandName }) => commandName)).toStrictEqual(['find', 'find'])
    expect(documentsFetched()).toBeLessThanOrEqual(10)
  })

  it('is one query for the heads of a hundred branches, and one more for each whose hint is behind', async () => {
    const ids = Array.from({ length: 100 }, () => createConversationId())
    for (const id of ids) await history.insertMessages(sampleMessages(id, 1, 2))
    const hints = ids.map((conversationId) => ({ conversationId, branch: '0', hint: { sequence: 2, tokens: 20 } }))
    commands = []
    expect(await history.readHeads(hints)).toStrictEqual(hints.map(({ hint }) => hint))
    expect(commands).toHaveLength(1)
    expect(documentsFetched()).toBe(0)
    await history.insertMessages([sampleMessage(ids[7] ?? '', 3)])
    commands = []
    expect((await history.readHeads(hints))[7]).toStrictEqual({ sequence: 3, tokens: 30 })
    expect(commands).toHaveLength(2)
  })

  it('is at most two commands for any method but those of the start and of a sweep', async () => {
    const { prepare: _start, removeUnlistedBranch: _sweep, ...calls } = everyHistoryCall(history)
    for (const [name, call] of Object.entries(calls)) {
      commands = []
      await call()
      expect(commands.length, name).toBeGreaterThan(0)
      expect(commands.length, name).toBeLessThanOrEqual(2)
    }
  })

  it('is not a lookup a message when a batch meets a duplicate', async () => {
    const conversationId = createConversationId()
    await history.insertMessages(sampleMessages(conversationId, 1, 10))
    commands = []
    await history.insertMessages([sampleMessage(conversationId, 10), sampleMessage(conversationId, 11)])
    expect(commands.map(({ commandName }) => commandName)).toStrictEqual(['insert'])
  })
})

function batchLength(reply: unknown): number {
  const { cursor } = reply as { cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] } }
  return cursor?.firstBatch?.length ?? cursor?.nextBatch?.length ?? 0
}
