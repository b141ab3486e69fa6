import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { toChatMessages } from '../../src/chat/chat-messages.ts'
import type { Context } from '../../src/memory/context.ts'
import type { Message } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { agentConversation, ROUND_LENGTH } from '../support/agent-conversation.ts'
import { chatProblems } from '../support/chat-problems.ts'
import { type MemoryNodeOptions, newMongodb, startMemoryNode } from '../support/memory-node.ts'
import { contextRequest, newestWithin, OWNER, readContext, startConversation } from '../support/stored-conversation.ts'

const STORES = {
  MongoDB: () => ({ history: newMongodb(), redisUrl: inject('redisUrl') }),
  SQLite: () => ({}),
}
const MESSAGES = 60
const RESULT_LENGTH = 6_000
const SMALLEST_BUDGET = 50
const BUDGETS = 40

describe.each(Object.entries(STORES))('an agent of sixty messages with large results, on %s', (_, createParts) => {
  test('is read at every budget in whole turns that an API accepts, cold and warm', async () => {
    const { node, conversationId, messages, total } = await storeAgent(createParts(), MESSAGES)
    const sources = new Set<string>()
    for (const budget of budgetsUpTo(total)) {
      await node.guard.drop(conversationId)
      const cold = await readContext(node, conversationId, budget)
      await node.settle()
      const warm = await readContext(node, conversationId, budget)
      expect(cold.messages).toEqual(wholeTurns(newestWithin(messages, budget)))
      expect(warm).toEqual({ ...cold, source: warm.source })
      checkContext(cold, budget)
      sources.add(`${cold.source} ${warm.source}`)
    }
    expect([...sources].toSorted()).toEqual(['HISTORY CACHE', 'HISTORY CACHE_AND_HISTORY'])
  })

  test('keeps the newest turn that fits when the cut is anchored or is to begin with the user', async () => {
    // Without the answer and what the user said to it: the results are the newest.
    const { node, conversationId, messages, total } = await storeAgent(createParts(), MESSAGES - 2)
    for (const [startOn, anchor] of [
      ['ANY', 0.5],
      ['USER', 0],
      ['USER', 0.25],
    ] as const) {
      const begin = messages.findLastIndex(({ role }) => (startOn === 'USER' ? role === 'USER' : role !== 'TOOL'))
      const newestTurn = messages.slice(begin)
      const cost = newestTurn.reduce((sum, { tokens }) => sum + tokens, 0)
      for (const budget of [...budgetsUpTo(total), cost - 1, cost]) {
        const request = { ...contextRequest(conversationId, budget), startOn, anchor }
        const [context] = await node.memory.readContexts([request])
        if (context === undefined || context instanceof Error) throw context ?? new Error('No context')
        checkContext(context, budget)
        expect(context.messages).toEqual(messages.slice(messages.length - context.messages.length))
        if (startOn === 'USER') expect(context.messages[0]?.role ?? 'USER').toBe('USER')
        if (cost > budget) expect(context.messages).toEqual([])
        else expect(context.messages.slice(-newestTurn.length)).toEqual(newestTurn)
      }
    }
  })
})

/** The conversation in the store as an agent appends it, step by step, and as the plain list that it is. */
async function storeAgent(parts: MemoryNodeOptions, count: number) {
  const counter = createTokenCounter()
  onTestFinished(() => counter.close())
  const node = await startMemoryNode({ ...parts, counter })
  const conversationId = await startConversation(node)
  const said = agentConversation(MESSAGES / ROUND_LENGTH, RESULT_LENGTH).slice(0, count)
  for (let index = 0; index < said.length; index += 5) {
    await node.memory.appendMessages(OWNER, conversationId, said.slice(index, index + 5))
  }
  await node.settle()
  const { messages, tokenCount } = await readContext(node, conversationId, 200_000)
  expect(messages.map(({ role, parts: stored }) => ({ role, parts: stored }))).toEqual(said)
  return { node, conversationId, messages, total: tokenCount }
}

function budgetsUpTo(total: number): number[] {
  const step = Math.ceil((total - SMALLEST_BUDGET) / BUDGETS)
  return Array.from({ length: BUDGETS + 1 }, (_, index) => SMALLEST_BUDGET + index * step)
}

/** In this conversation a turn's results follow it at once. */
function wholeTurns(messages: readonly Message[]): Message[] {
  const begin = messages.findIndex(({ role }) => role !== 'TOOL')
  return begin < 0 ? [] : messages.slice(begin)
}

function checkContext({ messages, tokenCount }: Context, budget: number): void {
  expect(tokenCount).toBe(messages.reduce((sum, { tokens }) => sum + tokens, 0))
  expect(tokenCount).toBeLessThanOrEqual(budget)
  const chat = toChatMessages(messages)
  expect(chatProblems(chat)).toEqual([])
  const outputs = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === 'toolResult' ? [part.output] : [])),
  )
  expect(chat.flatMap((one) => (one.role === 'tool' ? [one.content] : []))).toEqual(outputs)
}
