import { expect, inject, test } from 'vitest'
import { newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { contextRequest, newestWithin, storeConversation } from '../../support/stored-conversation.ts'

const READERS = 1_000

test.each([
  ['MongoDB and Redis', () => ({ history: newMongodb(), redisUrl: inject('redisUrl') })],
  ['the embedded stores', () => ({})],
])('a thousand readers of one cold conversation cause at most two reads of history, on %s', async (_, createParts) => {
  const node = await startMemoryNode(createParts())
  const { conversationId, messages } = await storeConversation(node, { length: 200 })
  node.resetCounts()
  const reads = Array.from({ length: READERS }, () => node.memory.readContexts([contextRequest(conversationId, 3_000)]))
  const contexts = (await Promise.all(reads)).flat()
  const expected = newestWithin(messages, 3_000)
  expect(contexts).toHaveLength(READERS)
  for (const context of contexts) expect(context).toMatchObject({ messages: expected, omittedCount: 140 })
  expect(node.history.calls.filter((call) => call === 'readTokenRange').length).toBeLessThanOrEqual(2)
  // Each with its document, and a second look before its fill.
  expect(node.history.calls.length).toBeLessThanOrEqual(6)
})

test('readers with different budgets share the reads, and each gets its own window', async () => {
  const node = await startMemoryNode()
  const { conversationId, messages } = await storeConversation(node, { length: 200 })
  node.resetCounts()
  const budgets = Array.from({ length: 100 }, (_, index) => 100 + index * 50)
  const reads = budgets.map((maxTokens) => node.memory.readContexts([contextRequest(conversationId, maxTokens)]))
  const contexts = (await Promise.all(reads)).flat()
  expect(contexts).toMatchObject(budgets.map((maxTokens) => ({ messages: newestWithin(messages, maxTokens) })))
  // Each with its document, and a second look before its fill.
  expect(node.history.calls.length).toBeLessThanOrEqual(6)
})
