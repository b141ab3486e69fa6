import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { NotFoundError } from '../../../src/errors.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { contextRequest, OWNER, readContext } from '../../support/stored-conversation.ts'

/** After this the second pass of a deletion is due. */
const SECOND_PASS_MS = 61_000

interface Store {
  history: NonNullable<MemoryNodeOptions['history']>
  /** All that it keeps, as one text. */
  dump(): Promise<string>
}

const STORES: Record<string, () => Promise<Store>> = {
  async MongoDB() {
    const history = newMongodb()
    return { history, dump: () => dumpMongodb(history.mongodbUrl) }
  },
  async SQLite() {
    const directory = await mkdtemp(join(tmpdir(), 'backscroll-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    return { history: { sqlitePath: join(directory, 'history.sqlite') }, dump: () => dumpFiles(directory) }
  },
}

describe.each(Object.entries(STORES))('on %s', (_, openStore) => {
  /** Two nodes with one clock, and a conversation with a secret that both have read. */
  async function setStage(expiresInMs?: number) {
    const store = await openStore()
    const clock = { now: Date.now() }
    const parts = { history: store.history, redisUrl: inject('redisUrl'), now: () => clock.now }
    const node = await startMemoryNode(parts)
    const other = await startMemoryNode(parts)
    const input = { externalId: randomUUID(), ...(expiresInMs && { expiresAt: clock.now + expiresInMs }) }
    const { conversation } = await node.memory.createConversation(OWNER, input, 'FAIL')
    const secret = randomUUID()
    for (let count = 0; count < 30; count++) await say(node, conversation.id, `${secret} ${count}`)
    for (const each of [node, other]) {
      await readContext(each, conversation.id, 200)
      await each.settle()
      // Reaches beyond the tail, so that the tail is extended.
      await readContext(each, conversation.id, 1_000)
      await each.settle()
      expect(await readContext(each, conversation.id, 1_000)).toMatchObject({ source: 'CACHE' })
    }
    return { store, clock, node, other, conversation, secret }
  }

  test('a deleted conversation is gone for every node at once, and later from every store', async () => {
    const { store, clock, node, other, conversation, secret } = await setStage()
    await node.memory.deleteConversation(OWNER, conversation.id)
    for (const each of [node, other]) await expectAbsent(each, conversation.id)
    await node.settle()
    await other.settle()
    expect(await store.dump()).toContain(traceOf(conversation.id))
    clock.now += SECOND_PASS_MS
    await other.memory.sweep()
    for (const trace of [traceOf(conversation.id), secret]) {
      expect(await store.dump()).not.toContain(trace)
      expect(await dumpRedis(traceOf(conversation.id))).not.toContain(trace)
    }
  })

  test('an append that was under way when its conversation was deleted leaves nothing either', async () => {
    const { store, clock, node, other, conversation, secret } = await setStage()
    const inserted = Promise.withResolvers<void>()
    const late = await startMemoryNode({
      history: store.history,
      redisUrl: inject('redisUrl'),
      now: () => clock.now,
      change: (history) => ({
        async insertMessages(messages) {
          await inserted.promise
          return history.insertMessages(messages)
        },
      }),
    })
    const appending = say(late, conversation.id, `${secret} late`)
    await expect.poll(() => late.history.calls).toContain('insertMessages')
    await node.memory.deleteConversation(OWNER, conversation.id)
    await node.settle()
    inserted.resolve()
    await appending
    await late.settle()
    for (const each of [node, other, late]) await expectAbsent(each, conversation.id)
    clock.now += SECOND_PASS_MS
    await other.memory.sweep()
    expect(await store.dump()).not.toContain(secret)
    expect(await dumpRedis(traceOf(conversation.id))).toBe('')
  })

  test('a conversation past its end is absent to every node, also where its tail is cached', async () => {
    const { clock, node, other, conversation } = await setStage(60_000)
    clock.now += 60_000
    for (const each of [node, other]) await expectAbsent(each, conversation.id)
  })

  test('a conversation past its end is removed from every store by the sweep, and its subscribers are notified', async () => {
    const { store, clock, node, other, conversation, secret } = await setStage(60_000)
    const events = await node.memory.subscribe(OWNER, conversation.id, undefined, AbortSignal.timeout(10_000))
    clock.now += 60_000
    await node.memory.sweep()
    await node.settle()
    const received = []
    for await (const { type } of events) received.push(type)
    expect(received.at(-1)).toBe('ConversationDeleted')
    clock.now += SECOND_PASS_MS
    await other.memory.sweep()
    expect(await store.dump()).not.toContain(traceOf(conversation.id))
    for (const trace of [traceOf(conversation.id), secret]) expect(await store.dump()).not.toContain(trace)
    expect(await dumpRedis(traceOf(conversation.id))).not.toContain(secret)
  })

  test('a list reads what it shows once a sweep has passed, however many conversations are past their end', async () => {
    const clock = { now: Date.now() }
    const node = await startMemoryNode({ history: (await openStore()).history, now: () => clock.now })
    const create = (expiresAt?: number) => node.memory.createConversation(OWNER, expiresAt ? { expiresAt } : {}, 'FAIL')
    for (let count = 0; count < 3; count++) await create()
    for (let count = 0; count < 60; count++) await create(clock.now + 1_000)
    clock.now += 1_000
    await node.memory.sweep()
    node.resetCounts()
    const list = { ownerId: OWNER, archived: false, limit: 2, from: 'NEWEST' as const }
    expect(await node.memory.listConversations(list)).toHaveLength(2)
    expect(node.traffic.mongodb.length).toBeLessThanOrEqual(2)
    expect(node.traffic.documents).toBeLessThanOrEqual(4)
  })

  test('an end that is moved nearer counts for tails that are cached already', async () => {
    const { clock, node, other, conversation } = await setStage(600_000)
    await node.memory.updateConversation(OWNER, conversation.id, { expiresAt: clock.now + 1_000 })
    expect((await readContext(other, conversation.id, 1_000)).messages).not.toEqual([])
    await other.settle()
    clock.now += 1_000
    for (const each of [node, other]) await expectAbsent(each, conversation.id)
  })

  test('changed metadata of a message is what the next read gives, on every node', async () => {
    const { node, other, conversation } = await setStage()
    const [message] = (await readContext(node, conversation.id, 60)).messages
    if (message === undefined) throw new Error('No message')
    await node.memory.updateMessage(OWNER, message.id, { liked: true })
    for (const each of [other, node]) {
      expect((await readContext(each, conversation.id, 60)).messages).toEqual([
        { ...message, metadata: { liked: true } },
      ])
      await each.settle()
    }
    await other.memory.updateMessage(OWNER, message.id, null)
    expect((await readContext(node, conversation.id, 60)).messages).toEqual([message])
  })
})

async function say({ memory }: MemoryNode, conversationId: string, text: string): Promise<void> {
  await memory.appendMessages(OWNER, conversationId, [{ role: 'USER', parts: [{ type: 'text', text }] }])
}

async function expectAbsent({ memory }: MemoryNode, conversationId: string): Promise<void> {
  for (const consistency of ['EVENTUAL', 'STRONG'] as const) {
    const [answer] = await memory.readContexts([{ ...contextRequest(conversationId, 200), consistency }])
    expect(answer).toBeInstanceOf(NotFoundError)
  }
  await expect(memory.readPrompt(OWNER, conversationId, 200)).rejects.toThrow(NotFoundError)
}

/** What the ids of a conversation and of all its messages have in common. */
function traceOf(conversationId: string): string {
  return conversationId.slice('conv_'.length)
}

async function dumpMongodb(url: string): Promise<string> {
  const client = new MongoClient(url)
  try {
    const collections = await client.db().listCollections().toArray()
    const documents = collections.map(({ name }) => client.db().collection(name).find().toArray())
    return JSON.stringify(await Promise.all(documents))
  } finally {
    await client.close()
  }
}

/** The bytes themselves: what was removed is in no free page and in no log. */
async function dumpFiles(directory: string): Promise<string> {
  const names = await readdir(directory)
  return (await Promise.all(names.map((name) => readFile(join(directory, name), 'latin1')))).join('\n')
}

/** All keys that name the conversation, with their values, but its register: numbers that outlive it for a day (A4). */
async function dumpRedis(trace: string): Promise<string> {
  const redis = new Redis(inject('redisUrl'))
  try {
    const keys = (await redis.keys(`*${trace}*`)).filter((key) => !key.endsWith(':head'))
    const values = await Promise.all(keys.map((key) => redis.dump(key)))
    return keys.map((key, index) => `${key} ${values[index]}`).join('\n')
  } finally {
    redis.disconnect()
  }
}
