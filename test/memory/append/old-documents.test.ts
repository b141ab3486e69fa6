import { describe, expect, test } from 'vitest'
import { NotFoundError } from '../../../src/errors.ts'
import type { NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, startConversation } from '../../support/stored-conversation.ts'

/** Each is more than one write takes, in both stores: so a batch of three is three writes. */
const LENGTH = 4_100_000
const LIMITS = { maxMessageBytes: 5_000_000 }
const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

describe.each(STORES)('on %s a batch whose writes take longer than a conversation may be read ago', (_, storeParts) => {
  async function startSlowNode(onWrite: (node: MemoryNode) => Promise<unknown>, stepMs = 31_000) {
    const clock = { now: Date.now() }
    const node: MemoryNode = await startMemoryNode(
      {
        ...storeParts(),
        now: () => clock.now,
        change: ({ insertMessages }) => ({
          async insertMessages(messages, { mayGoOn = () => true } = {}) {
            try {
              return await insertMessages(messages, {
                mayGoOn() {
                  clock.now += stepMs
                  return mayGoOn()
                },
              })
            } finally {
              await onWrite(node)
            }
          },
        }),
      },
      LIMITS,
    )
    return { node, conversationId: await startConversation(node) }
  }

  test.each([
    ['are old', 31_000],
    ['may be old, as the clock went back', -3_600_000],
  ])('is stored whole and in order, by documents that are read again when they %s', async (__, stepMs) => {
    const { node, conversationId } = await startSlowNode(async () => {}, stepMs)
    const { messages } = await node.memory.appendMessages(OWNER, conversationId, ['a', 'b', 'c'].map(large))
    expect(messages.map(({ sequence, clientMessageId }) => [sequence, clientMessageId])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    expect(node.history.calls.filter((call) => call === 'findConversations')).toHaveLength(3)
  })

  test('sends nothing more once the conversation is deleted', async () => {
    const { node, conversationId } = await startSlowNode((slow) =>
      slow.history.markDeleted(OWNER, conversationId, Date.now()),
    )
    const appending = node.memory.appendMessages(OWNER, conversationId, ['a', 'b', 'c'].map(large))
    await expect(appending).rejects.toThrow(NotFoundError)
    const range = { conversationId, branch: '0', fromTokens: 0, limit: 10 }
    expect(await node.history.readTokenRange(range)).toHaveLength(1)
  })
})

function large(id: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text: id.repeat(LENGTH) }], clientMessageId: id }
}
