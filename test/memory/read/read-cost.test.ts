import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { type MemoryNode, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import {
  newestWithin,
  OWNER,
  readContext,
  type StoredConversation,
  storeConversation,
} from '../../support/stored-conversation.ts'

const SHORT = 100
/** Documents are counted, not milliseconds; SecantusDB takes a millisecond and more to insert one. */
const LONG = { MongoDB: 20_000, SQLite: 100_000 }
const BUDGET = 3_000
/** Messages of 50 tokens. */
const IN_BUDGET = 60
/** No more than this can be in the budget, whatever their sizes. */
const PAGE = BUDGET / 4 + 1
/** More than a page: what the hint lacks is not read whole. */
const LAG = 2_000
const STORE_TIMEOUT_MS = 300_000

const STORES: Record<keyof typeof LONG, () => Promise<MemoryNode>> = {
  MongoDB: () => startMemoryNode({ history: newMongodb(), redisUrl: inject('redisUrl') }),
  SQLite: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'backscroll-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    return startMemoryNode({ history: { sqlitePath: join(directory, 'history.sqlite') } })
  },
}

describe.each(['MongoDB', 'SQLite'] as const)('on %s', (store) => {
  const length = LONG[store]
  const cost = 'a read fetches the same of a short conversation and of a long one, and a page more where the hint lags'
  test(cost, { timeout: STORE_TIMEOUT_MS }, async () => {
    const node = await STORES[store]()
    const short = await storeConversation(node, { length: SHORT })
    expect(await readCold(node, short)).toBe(IN_BUDGET)
    const long = await storeConversation(node, { length, hintLag: LAG })
    const fetched = await readCold(node, long)
    expect(fetched).toBeGreaterThan(IN_BUDGET)
    expect(fetched).toBeLessThanOrEqual(IN_BUDGET + PAGE)
    // That read has moved the hint.
    await node.settle()
    const [conversation] = await node.history.findConversations(OWNER, [long.conversationId])
    expect(conversation?.heads).toEqual({ '0': { sequence: length, tokens: length * 50 } })
    expect(await readCold(node, long)).toBe(IN_BUDGET)
  })
})

/** How many messages a read fetched of a conversation that the cache does not hold. */
async function readCold(node: MemoryNode, { conversationId, messages }: StoredConversation): Promise<number> {
  await node.guard.drop(conversationId)
  node.resetCounts()
  const context = await readContext(node, conversationId, BUDGET)
  expect(context.messages).toEqual(newestWithin(messages, BUDGET))
  const omittedCount = messages.length - IN_BUDGET
  expect(context).toMatchObject({ omittedCount, omittedTokens: omittedCount * 50 })
  expect(node.history.calls).toEqual(['findConversations', 'readTokenRange'])
  const { mongodb, documents } = node.traffic
  if (mongodb.length > 0) expect(documents).toBe(1 + node.history.messagesRead)
  return node.history.messagesRead
}
