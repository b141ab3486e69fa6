import { describe, expect, inject, test } from 'vitest'
import { BadUserInputError, ConversationUnreadableError } from '../../../src/errors.ts'
import { MAX_POSITION } from '../../../src/memory/cache/cache.ts'
import type { Head, NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation } from '../../support/stored-conversation.ts'
import { sampleMessage, sampleMessages, TIME } from '../history/stored-samples.ts'

const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

/** What is sent, each in one call. */
const CALLS: [string, NewMessage[]][] = [
  ['a message', [say('a')]],
  ['a message with an id', [{ ...say('a'), clientMessageId: 'a' }]],
  ['several messages', [say('a'), say('b')]],
]

/** Six messages of ten tokens stand there. */
const BEYOND: [string, Head][] = [
  ['of the next message, as after an insert that was rolled back', { sequence: 7, tokens: 70 }],
  ['of a message that a restored backup has not', { sequence: 9, tokens: 90 }],
  ['of a message that is not there, with the tokens of the newest', { sequence: 9, tokens: 60 }],
  ['far behind all messages', { sequence: 9_000, tokens: 90_000 }],
  ['at the end of all positions', { sequence: MAX_POSITION, tokens: MAX_POSITION }],
]
const UNEQUAL: [string, Head][] = [
  ['of the newest message with more tokens', { sequence: 6, tokens: 65 }],
  ['of the newest message with all tokens', { sequence: 6, tokens: MAX_POSITION }],
  ['of the newest message with less tokens', { sequence: 6, tokens: 5 }],
  ['of an older message with more tokens', { sequence: 4, tokens: 60 }],
  ['of an older message with less tokens', { sequence: 4, tokens: 1 }],
  ['of no message with tokens', { sequence: 0, tokens: 35 }],
]

describe.each(STORES)('on %s', (_, stores) => {
  async function startHinted(head?: Head): Promise<MemoryNode & { id: string }> {
    const node = await startMemoryNode(stores())
    const id = await startConversation(node)
    await node.history.insertMessages(sampleMessages(id, 1, 6))
    if (head !== undefined) await node.history.raiseHead(id, '0', head, TIME)
    return { ...node, id }
  }

  describe.each(CALLS)('an append of %s', (__, messages) => {
    test.each(BEYOND)('behind a hint %s is refused, and leaves nothing behind a gap', async (___, head) => {
      const { memory, history, id, settle } = await startHinted(head)
      await expect(memory.appendMessages(OWNER, id, messages)).rejects.toThrow(ConversationUnreadableError)
      await settle()
      expect(await positions(history, id)).toEqual([1, 2, 3, 4, 5, 6])
    })

    test.each(UNEQUAL)('behind a hint %s goes behind the newest message', async (___, head) => {
      const node = await startHinted(head)
      const { stored } = await node.memory.appendMessages(OWNER, node.id, messages)
      expect(stored).toMatchObject([{ sequence: 7, tokenStart: 60 }, ...stored.slice(1)])
      await node.settle()
      expect((await readContext(node, node.id, 1_000)).messages).toHaveLength(6 + messages.length)
    })
  })

  test('the hint of a branch that is not there misleads nobody', async () => {
    const { memory, history, id } = await startHinted({ sequence: 6, tokens: 60 })
    await history.raiseHead(id, 'zzz', { sequence: 9, tokens: 90 }, TIME)
    expect((await memory.appendMessages(OWNER, id, [say('a')])).stored).toMatchObject([{ sequence: 7, tokenStart: 60 }])
  })

  test('where the active branch is not listed nothing is appended to it', async () => {
    const { memory, history, id } = await startHinted()
    expect(await history.switchBranch(OWNER, id, { fromEpoch: 0, toEpoch: 1, branch: 'zzz' })).toBe(true)
    await expect(memory.appendMessages(OWNER, id, [say('a')])).rejects.toThrow(ConversationUnreadableError)
    expect(await positions(history, id, 'zzz')).toEqual([])
  })

  test.each([
    ['before it begins', { sequence: 2, tokens: 20 }, [{ sequence: 5, tokenStart: 40 }]],
    ['of a message that it has not', { sequence: 8, tokens: 80 }, undefined],
  ])('with a hint of a branch %s the branch has no gap', async (__, head, expected) => {
    const { memory, history, id } = await startHinted({ sequence: 6, tokens: 60 })
    await history.insertMessages([sampleMessage(id, 4, { branch: 'a', tokenStart: 30 })])
    const branch = { id: 'a', parent: '0', atSequence: 4, tokenStart: 30 }
    const change = { fromEpoch: 0, toEpoch: 1, branch: 'a', newBranch: { branch, head } }
    expect(await history.switchBranch(OWNER, id, change)).toBe(true)
    const append = memory.appendMessages(OWNER, id, [say('a')])
    if (expected === undefined) await expect(append).rejects.toThrow(ConversationUnreadableError)
    else expect((await append).stored).toMatchObject(expected)
    expect(await positions(history, id, 'a')).toEqual(expected === undefined ? [4] : [4, 5])
  })

  test('what would end behind the last position is refused, and the conversation can be read as before', async () => {
    const node = await startMemoryNode(stores())
    const id = await startConversation(node)
    await node.history.insertMessages([sampleMessage(id, 1, { tokens: MAX_POSITION - 20, tokenStart: 0 })])
    await node.history.raiseHead(id, '0', { sequence: 1, tokens: MAX_POSITION - 20 }, TIME)
    const long = say('abcdefghijklmnopqrstuvwxyz')
    await expect(node.memory.appendMessages(OWNER, id, [long])).rejects.toThrow(BadUserInputError)
    await expect(node.memory.appendMessages(OWNER, id, [say('a'), long])).rejects.toThrow(BadUserInputError)
    expect((await node.memory.appendMessages(OWNER, id, [say('a')])).stored).toMatchObject([{ sequence: 2 }])
    await node.settle()
    expect((await readContext(node, id, 100)).messages).toHaveLength(1)
  })

  test('a question behind a cached tail of messages that the history has not is not stored, and the next look is right', async () => {
    const redisUrl = inject('redisUrl')
    const before = await startMemoryNode({ ...stores(), redisUrl })
    const id = await startConversation(before)
    await before.memory.appendMessages(OWNER, id, [say('one'), say('two'), say('three')])
    await before.memory.readPrompt(OWNER, id, 1_000)
    await before.settle()
    const node = await startMemoryNode({ ...stores(), redisUrl })
    await node.memory.createConversation(OWNER, {}, 'FAIL', { id })
    await node.memory.appendMessages(OWNER, id, [say('one')])
    const send = async () => {
      const prompt = await node.memory.readPrompt(OWNER, id, 1_000)
      const draft = { ...say('four'), status: 'COMPLETE', createdAt: TIME } as const
      return node.memory.appendBehind({ ...prompt, head: prompt.path.head }, draft, 9)
    }
    expect(await send()).toEqual({ type: 'TAKEN' })
    expect(await send()).toMatchObject({ type: 'STORED', message: { sequence: 2 } })
    expect(await positions(node.history, id)).toEqual([1, 2])
  })
})

test('an append looks for the message of a hint only where its node did not store that itself', async () => {
  const history = newMongodb()
  const [node, other] = [await startMemoryNode({ history }), await startMemoryNode({ history })]
  const id = await startConversation(node)
  const append = async ({ memory, settle, traffic, resetCounts }: MemoryNode) => {
    resetCounts()
    await memory.appendMessages(OWNER, id, [say('a')])
    const sent = traffic.mongodb.filter((command) => command !== 'hello')
    await settle()
    return sent
  }
  expect(await append(node)).toEqual(['find', 'insert'])
  expect(await append(node)).toEqual(['find', 'insert'])
  expect(await append(other)).toEqual(['find', 'find', 'insert'])
  expect(await append(other)).toEqual(['find', 'insert'])
})

function say(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }] }
}

async function positions({ readSequenceRange }: MemoryNode['history'], conversationId: string, branch = '0') {
  const all = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 100, from: 'OLDEST' } as const
  const { messages } = await readSequenceRange({ conversationId, branch, ...all })
  return messages.map(({ sequence }) => sequence)
}
