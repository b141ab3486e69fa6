import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConversationUnreadableError } from '../../../src/errors.ts'
import type { Conversation } from '../../../src/memory/conversation.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { createMongoHistory } from '../../../src/memory/history/mongo/mongo-history.ts'
import { createMongoReplies } from '../../../src/memory/history/mongo/mongo-replies.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { createSqliteDatabase } from '../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createLoaders } from '../../../src/memory/loader.ts'
import type { Memory } from '../../../src/memory/memory.ts'
import { openDatabase } from './mongo/mongo-database.ts'
import { sampleReply } from './reply-samples.ts'
import { sampleConversation, sampleMessages, TIME } from './stored-samples.ts'

type Collection = 'conversations' | 'messages' | 'replies'

/** A store, and a way to write into it what Backscroll never would. */
interface SpoiledStore {
  history: History
  records: ReplyRecords
  skipped: ConversationUnreadableError[]
  spoil(collection: Collection, conversationId: string, field: string, value: unknown): Promise<unknown>
}

const SECRET = 'a secret of the user'
const JUNK_JSON = `{"${SECRET}`

/** By collection fields with values that cannot be what was written; a list that is no JSON text is for MongoDB alone. */
const TEXTS: [Collection, string, unknown][] = [
  ['conversations', 'metadata', JUNK_JSON],
  ['conversations', 'metadata', '[1]'],
  ['conversations', 'metadata', '{"a":{"b":1}}'],
  ['conversations', 'encoding', 'constructor'],
  ['messages', 'parts', JUNK_JSON],
  ['messages', 'parts', '[null]'],
  ['messages', 'parts', '[{"type":"text"}]'],
  ['messages', 'parts', '[{"type":"__proto__","text":"x"}]'],
  ['messages', 'parts', '{"length":1}'],
  ['messages', 'role', 'toString'],
  ['messages', 'status', ''],
  ['messages', 'finishReason', '__proto__'],
  ['messages', 'metadata', JUNK_JSON],
  ['messages', 'metadata', 'null'],
  ['messages', 'tokens', -1],
  ['messages', 'tokens', 0],
  ['messages', 'tokens', 2 ** 31],
  ['messages', 'tokens', 2 ** 31 - 1],
  ['replies', 'question', JUNK_JSON],
  ['replies', 'question', '{"role":"USER"}'],
  ['replies', 'outcome', '{"type":"__proto__"}'],
  ['replies', 'outcome', '{"type":"COMPLETED","finishReason":"constructor"}'],
  ['replies', 'usage', '{"promptTokens":"3"}'],
  ['replies', 'context', '3'],
  ['replies', 'phase', 'GONE'],
  ['replies', 'beat', -1],
  ['replies', 'outcome', '{"type":"FAILED","code":"INTERNAL","detail":"","retryable":true,"retryAfterMs":2147483648}'],
]

const IN_SQLITE: typeof TEXTS = [
  ['conversations', 'branches', JUNK_JSON],
  ['conversations', 'branches', '[{"id":1}]'],
  ['conversations', 'heads', '{"0":{"sequence":"1"}}'],
  ['conversations', 'heads', '{"0":{"sequence":2147483648,"tokens":1}}'],
  ['conversations', 'heads', '{"0":{"sequence":1,"tokens":2147483648}}'],
  ['conversations', 'branches', '[{"id":"a","parent":"0","atSequence":2147483648,"tokenStart":1}]'],
  ['conversations', 'branches', '[{"id":"a","parent":"0","atSequence":1,"tokenStart":2147483648}]'],
  ['conversations', 'selectedEpochs', '[]'],
  ['conversations', 'branchEpoch', 2n ** 53n],
  ['conversations', 'createdAt', 2n ** 63n - 1n],
  ['conversations', 'expiresAt', 2n ** 53n],
  ['messages', 'createdAt', -(2n ** 63n)],
  ['messages', 'tokens', 2n ** 63n - 1n],
  ['replies', 'beat', 2n ** 53n],
  ['replies', 'leaseUntil', -(2n ** 53n)],
  ['conversations', 'createdAt', Number.MAX_SAFE_INTEGER],
  ['conversations', 'expiresAt', Number.MAX_SAFE_INTEGER],
  ['messages', 'createdAt', Number.MAX_SAFE_INTEGER],
  ['messages', 'usage', JUNK_JSON],
  ['replies', 'leaseUntil', Number.MAX_SAFE_INTEGER],
]

const IN_MONGO: typeof TEXTS = [
  ['conversations', 'createdAt', 'yesterday'],
  ['conversations', 'expiresAt', { $date: 'never' }],
  ['conversations', 'metadata', { a: 1 }],
  ['conversations', 'title', 7],
  ['conversations', 'branches', 'none'],
  ['conversations', 'branches', [null]],
  ['conversations', 'heads', { 0: null }],
  ['conversations', 'heads', { 0: { sequence: 2 ** 40, tokens: 1 } }],
  ['conversations', 'branches', [{ id: 'a', parent: '0', atSequence: 2 ** 40, tokenStart: 1 }]],
  ['conversations', 'branchEpoch', 1.5],
  ['conversations', 'branchEpoch', 2 ** 53],
  ['messages', 'createdAt', null],
  ['messages', 'content', 7],
  ['messages', 'author', ['x']],
  ['messages', 'usage', { promptTokens: Number.NaN }],
  ['replies', 'leaseUntil', 'soon'],
  ['replies', 'text', 7],
]

async function openSqlite(): Promise<SpoiledStore> {
  const database = createSqliteDatabase(':memory:')
  const skipped: ConversationUnreadableError[] = []
  const onUnreadable = (error: ConversationUnreadableError) => void skipped.push(error)
  const history = createSqliteHistory(database, () => TIME, onUnreadable)
  const records = createSqliteReplies(database, onUnreadable)
  await history.prepare()
  await records.prepare()
  return {
    history,
    records,
    skipped,
    async spoil(collection, conversationId, field, value) {
      const key = collection === 'conversations' ? 'id' : 'conversationId'
      const plain = field === 'parts' && collection === 'messages' ? ', content = NULL' : ''
      const sql = `UPDATE ${collection} SET ${field} = :value${plain} WHERE ${key} = :conversationId`
      expect(database.run(sql, { value: value as string, conversationId })).toBeGreaterThan(0)
    },
  }
}

async function openMongo(): Promise<SpoiledStore> {
  const client = await openDatabase('unreadable')
  const skipped: ConversationUnreadableError[] = []
  const options = {
    now: () => TIME,
    onUnreadable: (error: ConversationUnreadableError) => void skipped.push(error),
  }
  const history = createMongoHistory(client, options)
  const records = createMongoReplies(client, options)
  await history.prepare()
  await records.prepare()
  return {
    history,
    records,
    skipped,
    async spoil(collection, conversationId, field, value) {
      const filter = collection === 'conversations' ? { _id: conversationId as never } : { conversationId }
      const $unset = field === 'parts' && collection === 'messages' ? { content: true as const } : {}
      const { modifiedCount } = await client
        .db()
        .collection(collection)
        .updateMany(filter, { $set: { [field]: value }, $unset })
      expect(modifiedCount).toBeGreaterThan(0)
    },
  }
}

describe.each([
  ['SQLite', openSqlite, [...TEXTS, ...IN_SQLITE]],
  ['MongoDB', openMongo, [...TEXTS, ...IN_MONGO]],
] as const)('what %s holds and nobody wrote', (_, open, junk) => {
  let store: SpoiledStore

  beforeAll(async () => {
    store = await open()
  })

  afterAll(() => store.history.close())

  async function converse(ownerId: string, lastMessageAt = TIME): Promise<string> {
    const { conversation } = await store.history.createConversation(sampleConversation({ ownerId, lastMessageAt }))
    await store.history.insertMessages(sampleMessages(conversation.id, 1, 2))
    await store.records.insert(sampleReply(conversation.id, { ownerId, leaseUntil: TIME - 1 }))
    return conversation.id
  }

  function readsOf(collection: Collection, ownerId: string, id: string): Promise<unknown>[] {
    const { history, records } = store
    if (collection === 'conversations') return [history.findConversations(ownerId, [id])]
    if (collection === 'replies') return [records.findActive(ownerId, id), records.findNewest(ownerId, id)]
    const range = { conversationId: id, branch: '0', limit: 10 }
    return [
      history.readTokenRange({ ...range, fromTokens: 0 }),
      history.findMessages(sampleMessages(id, 1, 2).map((message) => message.id)),
    ]
  }

  test.each(junk)('in %s, the field %s: %o', async (collection, field, value) => {
    const ownerId = `owner of ${collection} ${field} ${inspect(value)}`
    const [spoiled, whole] = [await converse(ownerId, TIME + 1), await converse(ownerId)]
    await store.spoil(collection, spoiled, field, value)
    for (const result of await Promise.allSettled(readsOf(collection, ownerId, spoiled))) {
      const error: unknown = result.status === 'rejected' ? result.reason : undefined
      expect(error).toBeInstanceOf(ConversationUnreadableError)
      expect(error).toMatchObject({ conversationId: spoiled })
      const { message, reason, cause } = error as ConversationUnreadableError
      expect(cause).toBeUndefined()
      expect(`${message} ${reason}`).not.toContain(SECRET)
    }
    for (const read of readsOf(collection, ownerId, whole)) expect(await read).toBeDefined()
    const list = { ownerId, archived: false, limit: 1 }
    const listed = await store.history.listConversations({ ...list, from: 'NEWEST' })
    expect(listed.map(({ id }) => id)).toEqual([collection === 'conversations' ? whole : spoiled])
    const active = await store.records.findActiveMany(ownerId, [spoiled, whole])
    expect(active.map((reply) => reply?.conversationId)).toEqual([
      collection === 'replies' ? undefined : spoiled,
      whole,
    ])
    expect(await store.history.markDeleted(ownerId, spoiled, TIME)).toBe(true)
  })

  test('is reported where it was left out, and does not stop the sweeps', async () => {
    const [spoiled, whole] = [await converse('sweeper'), await converse('sweeper')]
    await store.spoil('replies', spoiled, 'context', '3')
    store.skipped.length = 0
    const over = await store.records.findLeaseOver(TIME, 1_000)
    expect(over.map(({ conversationId }) => conversationId)).toContain(whole)
    expect(store.skipped.map(({ conversationId }) => conversationId)).toContain(spoiled)
  })

  test('is the error of that conversation alone where many are loaded together', async () => {
    const [spoiled, whole] = [await converse('loader'), await converse('loader')]
    await store.spoil('conversations', spoiled, 'encoding', 'none')
    const { conversation } = createLoaders(store.history as unknown as Memory, 'loader')
    const loaded = await Promise.allSettled([conversation(spoiled), conversation(whole), conversation('conv_none')])
    expect(loaded.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(loaded[1]).toMatchObject({ value: { id: whole } })
  })

  test.each<[string, unknown[], (id: string) => Promise<unknown>]>([
    ['heads', [JUNK_JSON], (id) => store.history.raiseHead(id, '0', { sequence: 3, tokens: 30 }, TIME)],
    ['branches', [JUNK_JSON, '[{"id":1}]', '7'], (id) => store.history.removeUnlistedBranch(id, 'left')],
    ['redactions', [JUNK_JSON, '7'], (id) => store.history.markDropDue('writer', id, TIME, 'msg_x')],
  ])('is its named error where it is the %s into which something is written', async (field, values, write) => {
    for (const value of values) {
      const id = await converse('writer')
      await store.spoil('conversations', id, field, value)
      const error: unknown = await write(id).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(ConversationUnreadableError)
      expect(error).toMatchObject({ conversationId: id, reason: expect.not.stringContaining(SECRET) })
    }
  })

  test('does not keep the due drops of others', async () => {
    const [spoiled, whole] = [await converse('dropper'), await converse('dropper')]
    for (const id of [spoiled, whole]) await store.history.markDropDue('dropper', id, TIME, 'msg_x')
    await store.spoil('conversations', spoiled, 'redactions', JUNK_JSON)
    store.skipped.length = 0
    const due = await store.history.findDueDrops(TIME + 1, 1_000)
    expect(due.map(({ conversationId }) => conversationId)).toContain(whole)
    expect(due.map(({ conversationId }) => conversationId)).not.toContain(spoiled)
    expect(store.skipped.map(({ conversationId }) => conversationId)).toContain(spoiled)
  })

  test.each(['tokens', 'tokenStart'])('is not counted where it is the %s of a newest message', async (field) => {
    const [spoiled, whole] = [await converse(`heads ${field}`), await converse(`heads ${field}`)]
    await store.history.removeMessages(spoiled, 10)
    await store.history.insertMessages(sampleMessages(spoiled, 1, 1))
    await store.spoil('messages', spoiled, field, 2 ** 40)
    const memory = {
      readHeads: (conversations: Conversation[]) =>
        store.history.readHeads(
          conversations.map(({ id }) => ({ conversationId: id, branch: '0', hint: { sequence: 0, tokens: 0 } })),
        ),
    }
    await expect(memory.readHeads([sampleConversation({ id: spoiled })])).rejects.toThrow(ConversationUnreadableError)
    const { head } = createLoaders(memory as unknown as Memory, 'heads')
    const heads = [spoiled, whole].map((id) => head(sampleConversation({ id })))
    expect(await Promise.all(heads)).toEqual([
      { sequence: 0, tokens: 0 },
      { sequence: 2, tokens: 20 },
    ])
  })
})
