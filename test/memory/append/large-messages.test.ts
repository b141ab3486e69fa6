import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { createTokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import { measureLongestTick } from '../../support/longest-tick.ts'
import { newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'
import { realisticText } from '../../support/texts.ts'

/** Counted on the event loop, the text would be most of what the process does; a worker's counting leaves it the rest. */
const MOST_SHARE = 1 / 3

test.each([
  ['200,000 times the letter a', 'a'.repeat(200_000)],
  ['100,000 Han characters', '汉'.repeat(100_000)],
  ['150,000 characters of prose and code', realisticText(150_000)],
])('%s are appended and read back whole, and the event loop stays free', async (_, text) => {
  const counter = createTokenCounter()
  onTestFinished(() => counter.close())
  const countMessages = vi.spyOn(counter, 'countMessages')
  await counter.warm('o200k_base')
  const node = await startMemoryNode({ counter, history: newMongodb(), redisUrl: inject('redisUrl') })
  const append = (conversationId: string, content: string) =>
    node.memory.appendMessages(OWNER, conversationId, [{ role: 'USER', parts: [{ type: 'text', text: content }] }])
  // The first of all is compiled, not counted; its text is as long, and of no interest.
  const warm = await startConversation(node)
  await append(warm, 'ab '.repeat(50_000))
  await readContext(node, warm, 200_000)
  await node.settle()

  const conversationId = await startConversation(node)
  await append(conversationId, 'before')
  const { longestTickShare } = await measureLongestTick(async () => {
    await append(conversationId, text)
    await node.settle()
  })
  expect(longestTickShare).toBeLessThan(MOST_SHARE)
  countMessages.mockClear()

  const [conversation] = await node.memory.findConversations(OWNER, [conversationId])
  const tokens = (conversation?.heads['0']?.tokens ?? 0) - 5
  for (const consistency of ['EVENTUAL', 'EVENTUAL', 'STRONG'] as const) {
    const fitting = await readContext(node, conversationId, tokens, consistency)
    expect(fitting.messages.map(textOf)).toEqual([text])
    expect(fitting).toMatchObject({ tokenCount: tokens, omittedCount: 1, omittedTokens: 5, cut: 'BUDGET' })
    const oversize = await readContext(node, conversationId, tokens - 1, consistency)
    expect(oversize).toMatchObject({ messages: [], tokenCount: 0, omittedCount: 2, cut: 'OVERSIZE' })
    await node.settle()
  }
  expect(countMessages).not.toHaveBeenCalled()
})
