import { expect, onTestFinished, test } from 'vitest'
import { createCacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import { createLocalCache } from '../../../src/memory/cache/local-cache.ts'
import { createLocalEvents } from '../../../src/memory/events/local-events.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { createSqliteDatabase } from '../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createMemory } from '../../../src/memory/memory.ts'
import { createTokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import { createWriter } from '../../../src/memory/writer.ts'
import { NOTHING_LOST } from '../../support/event-reader.ts'

const OWNER = 'anna'

test('a read that filled the cache is repeated without history, also when the message before it did not fit', async () => {
  const { read, drop, takeHistoryReads } = await startMemory(10)
  const whole = await read(100_000)
  const costs = whole.messages.map(({ tokens }) => tokens)
  const lastFive = costs.slice(-5).reduce((sum, tokens) => sum + tokens, 0)
  for (const room of [0, 1, (costs[4] ?? 0) - 1]) {
    await drop()
    await read(lastFive + room)
    takeHistoryReads()
    expect((await read(lastFive + room)).messages).toEqual(whole.messages.slice(5))
    expect(takeHistoryReads()).toBe(0)
  }
})

test('a larger budget that finds no further message asks history once', async () => {
  const { read, takeHistoryReads } = await startMemory(10)
  const { messages } = await read(30)
  const held = messages.reduce((sum, { tokens }) => sum + tokens, 0)
  expect(held).toBeLessThan(30)
  takeHistoryReads()
  expect((await read(31)).messages).toEqual(messages)
  expect(takeHistoryReads()).toBe(1)
  expect((await read(31)).messages).toEqual(messages)
  expect(takeHistoryReads()).toBe(0)
})

/** A conversation of messages that cost much more than one token; `read` waits until the cache is filled. */
async function startMemory(messageCount: number) {
  const limits = { tailTokens: 8_000, ttlSeconds: 3_600, maxContextTokens: 200_000, maxMessageBytes: 1_048_576 }
  const database = createSqliteDatabase(':memory:')
  const { history, takeReads } = countReads(createSqliteHistory(database))
  const cache = createLocalCache({ ...limits, maxBytes: 10_000_000 }, Date.now)
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: 1_000 },
    { onFault() {}, onAvailable() {}, onMarkLost() {} },
  )
  const writer = createWriter({ guard, history, onError() {} })
  const counter = createTokenCounter()
  const events = createLocalEvents(NOTHING_LOST, {
    logEvents: 100,
    bufferEvents: 100,
    pollMs: 3_600_000,
    conversations: 100,
  })
  const memory = createMemory(
    {
      guard,
      history,
      records: createSqliteReplies(database),
      eraseReplyText: async () => true,
      writer,
      counter,
      events,
      now: Date.now,
      onFill() {},
    },
    limits,
  )
  await history.prepare()
  onTestFinished(async () => {
    await writer.drain(1_000)
    await Promise.all([counter.close(), events.close(), guard.close()])
    await history.close()
  })
  const { conversation } = await memory.createConversation(OWNER, {}, 'FAIL')
  const text = 'Ten words, so that a message costs more than few tokens.'
  await memory.appendMessages(
    OWNER,
    conversation.id,
    Array.from({ length: messageCount }, () => ({ role: 'USER' as const, parts: [{ type: 'text' as const, text }] })),
  )
  await writer.drain(1_000)
  const drop = () => guard.drop(conversation.id)
  await drop()

  async function read(maxTokens: number) {
    const window = { maxTokens, startOn: 'ANY', anchor: 0, consistency: 'EVENTUAL' } as const
    const [context] = await memory.readContexts([{ ...window, ownerId: OWNER, conversationId: conversation.id }])
    if (context === undefined || context instanceof Error) throw new Error('No context', { cause: context })
    await writer.drain(1_000)
    return context
  }
  return { read, drop, takeHistoryReads: takeReads }
}

/** The history, with its reads counted since they were last taken. */
function countReads(history: History) {
  let reads = 0
  const counting: History = {
    ...history,
    findConversations(ownerId, ids) {
      reads += 1
      return history.findConversations(ownerId, ids)
    },
    readTokenRange(range) {
      reads += 1
      return history.readTokenRange(range)
    },
  }
  const takeReads = () => {
    const taken = reads
    reads = 0
    return taken
  }
  return { history: counting, takeReads }
}
