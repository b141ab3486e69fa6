import { expect, test } from 'vitest'
import { createAppender } from '../../../src/memory/append/appender.ts'
import { createKnownHeads } from '../../../src/memory/append/known-heads.ts'
import { createCacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import { createLocalCache } from '../../../src/memory/cache/local-cache.ts'
import { createEraser } from '../../../src/memory/erase/eraser.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { createSqliteDatabase } from '../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import { createWriter } from '../../../src/memory/writer.ts'
import { endedReply, queuedReply, sampleReply, TIME } from '../history/reply-samples.ts'
import { sampleConversation, sampleMessage } from '../history/stored-samples.ts'
import { plainCounter } from '../interleaving/plain-node.ts'

const SECOND_PASS_MS = 60_000

async function startEraser() {
  const clock = { now: TIME }
  const now = () => clock.now
  const database = createSqliteDatabase(':memory:')
  const [history, replies] = [createSqliteHistory(database, now), createSqliteReplies(database)]
  await history.prepare()
  await replies.prepare()
  const removals: number[] = []
  const records: ReplyRecords = {
    ...replies,
    async remove(conversationId, ids) {
      const removed = await replies.remove(conversationId, ids)
      removals.push(removed)
      return removed
    },
  }
  const cache = createLocalCache({ tailTokens: 100, ttlSeconds: 60, maxBytes: 1_000_000 }, now)
  const observer = { onFault() {}, onAvailable() {}, onMarkLost() {} }
  const guard = createCacheGuard(cache, { commandTimeoutMs: 1_000 }, observer)
  const writer = createWriter({ guard, history, onError() {} })
  const parts = { guard, history, records, writer, counter: plainCounter, now }
  const { append } = createAppender({ ...parts, heads: createKnownHeads(Date.now), publish() {}, tailTokens: 100 })
  const erased: string[] = []
  const eraser = createEraser({
    ...parts,
    async eraseReplyText(replyId) {
      erased.push(replyId)
      return true
    },
    events: {
      async erase(conversationId) {
        erased.push(conversationId)
        return true
      },
    },
    publish() {},
  })

  async function converse(replyCount: number): Promise<string> {
    const id = createConversationId()
    await history.createConversation(sampleConversation({ id }))
    const { question } = sampleReply(id)
    if (question) await append('ann', id, [question])
    for (let index = 0; index < replyCount; index++) await records.insert(endedReply(id))
    await records.insert(sampleReply(id))
    await records.insert(queuedReply(id, 1))
    return id
  }

  const countMessages = async (conversationId: string) =>
    (await history.readTokenRange({ conversationId, branch: '0', fromTokens: 0, limit: 10 })).length
  return { clock, history, records, removals, erased, eraser, writer, converse, countMessages }
}

test('a deletion removes messages and replies in bounded steps, and those of no other conversation', async () => {
  const { records, removals, eraser, writer, converse, countMessages } = await startEraser()
  const [gone, kept] = [await converse(1_500), await converse(1)]
  await eraser.deleteConversation('ann', gone)
  await writer.drain(10_000)
  expect(removals).toEqual([1_000, 502, 0])
  expect([await countMessages(gone), await countMessages(kept)]).toEqual([0, 1])
  expect(await records.findNewest('ann', gone)).toBeUndefined()
  expect(await records.findActive('ann', kept)).toBeDefined()
})

test('a deletion erases the texts of replies between nodes before their records, and the events with the document', async () => {
  const { clock, records, erased, eraser, writer, converse } = await startEraser()
  const [gone, kept] = [await converse(3), await converse(1)]
  const ids = await records.findIds(gone, 100)
  const { remove } = records
  records.remove = () => Promise.reject(new Error('away'))
  await eraser.deleteConversation('ann', gone)
  await writer.drain(10_000)
  expect(erased.toSorted()).toEqual(ids.toSorted())
  records.remove = remove
  clock.now += SECOND_PASS_MS + 1
  await eraser.sweep()
  expect(erased.toSorted()).toEqual([gone, ...ids, ...ids].toSorted())
  expect(await records.findIds(kept, 100)).toHaveLength(3)
})

test('a sweep deletes what is past its end, however much, and no list or sweep meets it again', async () => {
  const { clock, history, eraser, writer, countMessages } = await startEraser()
  const create = async (ownerId: string, expiresAt?: number) => {
    const id = createConversationId()
    await history.createConversation(sampleConversation({ id, ownerId, ...(expiresAt && { expiresAt }) }))
    await history.insertMessages([sampleMessage(id, 1)])
    return id
  }
  const expired = await Promise.all(Array.from({ length: 250 }, () => create('ann', TIME + 1)))
  const [kept, later] = [await create('ann'), await create('ann', TIME + 10 * SECOND_PASS_MS)]
  clock.now += 1
  await eraser.sweep()
  await writer.drain(10_000)
  expect(await history.findExpired(clock.now, 1_000)).toEqual([])
  clock.now += SECOND_PASS_MS + 1
  await eraser.sweep()
  expect(await history.findUnfinishedDeletions(Number.MAX_SAFE_INTEGER, 1_000)).toEqual([])
  expect(await Promise.all(expired.map(countMessages))).toEqual(expired.map(() => 0))
  expect(await Promise.all([kept, later].map(countMessages))).toEqual([1, 1])
})

test('a claim that was under way at the deletion is removed by the second pass, before the document', async () => {
  const { clock, history, records, eraser, writer, converse } = await startEraser()
  const id = await converse(1)
  await eraser.deleteConversation('ann', id)
  await writer.drain(10_000)
  const late = sampleReply(id)
  await records.insert(late)
  await eraser.sweep()
  expect(await records.find('ann', late.id)).toStrictEqual(late)
  clock.now += SECOND_PASS_MS + 1
  await eraser.sweep()
  expect(await records.find('ann', late.id)).toBeUndefined()
  expect(await history.findUnfinishedDeletions(Number.MAX_SAFE_INTEGER, 10)).toEqual([])
})

test('a deletion whose replies cannot be removed stays unfinished until they can', async () => {
  const { clock, history, records, eraser, writer, converse } = await startEraser()
  const id = await converse(1)
  const { remove } = records
  records.remove = () => Promise.reject(new Error('away'))
  await eraser.deleteConversation('ann', id)
  await writer.drain(10_000)
  clock.now += SECOND_PASS_MS + 1
  await expect(eraser.sweep()).rejects.toThrow('away')
  expect(await history.findUnfinishedDeletions(clock.now, 10)).toMatchObject([{ conversationId: id }])
  records.remove = remove
  await eraser.sweep()
  expect(await records.findNewest('ann', id)).toBeUndefined()
  expect(await history.findUnfinishedDeletions(clock.now, 10)).toEqual([])
})
