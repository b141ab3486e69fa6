import { describe, expect, inject, test } from 'vitest'
import type { Branch } from '../../../src/memory/conversation.ts'
import type { TokenRange } from '../../../src/memory/history/history.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { Message } from '../../../src/memory/message.ts'
import { joinPath } from '../../../src/memory/read/path.ts'
import { readPathTokens } from '../../../src/memory/read/path-reader.ts'
import { newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import {
  newestWithin,
  OWNER,
  readContext,
  startConversation,
  storeConversation,
} from '../../support/stored-conversation.ts'
import { sampleMessage } from '../history/stored-samples.ts'

const BRANCHES = 100

test('a path through a hundred branches is read in order, with at most 32 ranges at once', async () => {
  const id = createConversationId()
  const branches = Array.from({ length: BRANCHES }, (_, index): Branch => {
    return {
      id: `b${index}`,
      parent: index === 0 ? '0' : `b${index - 1}`,
      atSequence: index + 2,
      tokenStart: 10 * (index + 1),
    }
  })
  const openAtOnce: number[] = []
  let open = 0
  const readTokenRange = async ({ branch, fromTokens }: TokenRange): Promise<Message[]> => {
    open += 1
    openAtOnce.push(open)
    await new Promise(setImmediate)
    open -= 1
    return [sampleMessage(id, fromTokens / 10 + 1, { branch })]
  }
  const range = { fromTokens: 0, limit: 1_000 }
  const path = await readPathTokens({ readTokenRange }, { id, branches }, `b${BRANCHES - 1}`, range)
  expect(path.map(({ branch }) => branch)).toEqual(['0', ...branches.map((branch) => branch.id)])
  expect(Math.max(...openAtOnce)).toBe(32)
})

test('a path whose beginning is being erased is none: a read of all of it does not answer with the rest', () => {
  const id = createConversationId()
  const [first, second, third] = [1, 2, 3].map((sequence) => sampleMessage(id, sequence))
  const head = { sequence: 3, tokens: 30 }
  const join = (newer: (Message | undefined)[], lowest: number) =>
    joinPath({ base: undefined, cached: [], gap: [], newer: newer.flatMap((message) => message ?? []) }, head, lowest)
  expect(join([first, second, third], 0)?.messages).toHaveLength(3)
  expect(join([second, third], 0)).toBeUndefined()
  expect(join([second, third], 10)?.messages).toHaveLength(2)
})

const STORES = {
  SQLite: () => startMemoryNode(),
  MongoDB: () => startMemoryNode({ history: newMongodb(), redisUrl: inject('redisUrl') }),
}

describe.each(Object.entries(STORES))('where the hint of the head lags, on %s', (_, start) => {
  test.each([7, 6, 5, 4, 3])(
    'by %i messages, any budget is read, and cached with no more than was read',
    async (hintLag) => {
      const node = await start()
      for (const budget of [1, 4, 8, 11, 17, 35]) {
        const { conversationId, messages } = await storeConversation(node, { length: 7, tokens: 5, hintLag })
        for (const maxTokens of [budget, 100, budget]) {
          const context = await readContext(node, conversationId, maxTokens)
          expect(context.messages).toEqual(newestWithin(messages, maxTokens))
          await node.settle()
        }
      }
    },
  )

  test('a path whose beginning is gone is still none', async () => {
    const node = await start()
    const conversationId = await startConversation(node)
    await node.history.insertMessages([2, 3, 4].map((sequence) => sampleMessage(conversationId, sequence)))
    await expect(readContext(node, conversationId, 1_000)).rejects.toMatchObject({ code: 'CONVERSATION_UNREADABLE' })
    const [conversation] = await node.history.findConversations(OWNER, [conversationId])
    expect(conversation?.heads).toEqual({})
  })
})
