import { describe, expect, test } from 'vitest'
import { ConversationUnreadableError, NotFoundError } from '../../../src/errors.ts'
import type { Branch } from '../../../src/memory/conversation.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, storeConversation } from '../../support/stored-conversation.ts'
import { sampleMessage, sampleMessages, TIME } from '../history/stored-samples.ts'

const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

/** Six messages of ten tokens, and what is spoiled of them. */
type Spoil = (node: MemoryNode, conversationId: string) => Promise<unknown>

const hint =
  (sequence: number, tokens: number): Spoil =>
  ({ history }, id) =>
    history.raiseHead(id, '0', { sequence, tokens }, TIME)

const branches =
  (...places: [id: string, parent: string, atSequence: number, tokenStart: number][]): Spoil =>
  async ({ history }, conversationId) => {
    for (const [index, [id, parent, atSequence, tokenStart]] of places.entries()) {
      await history.insertMessages([sampleMessage(conversationId, atSequence, { branch: id, tokenStart })])
      const branch: Branch = { id, parent, atSequence, tokenStart }
      const head = { sequence: atSequence, tokens: tokenStart + 10 }
      const change = { fromEpoch: index, toEpoch: index + 1, branch: id, newBranch: { branch, head } }
      expect(await history.switchBranch(OWNER, conversationId, change)).toBe(true)
    }
  }

const SPOILED: [string, Spoil][] = [
  ['a hint names a message behind the newest', hint(9, 60)],
  ['a hint names a message and tokens behind the newest', hint(9, 90)],
  ['a hint names a place far behind the newest', hint(9_000, 90_000)],
  ['messages begin behind a gap', ({ history }, id) => history.insertMessages(sampleMessages(id, 9, 9))],
  ['a branch begins behind the end of its parent', branches(['a', '0', 9, 80])],
  ['a branch begins at other tokens than its parent has there', branches(['a', '0', 4, 40])],
  ['nested branches begin over a gap', branches(['a', '0', 3, 20], ['b', 'a', 5, 40])],
]

describe.each(STORES)('in %s', (_, storeParts) => {
  async function startSpoiled(spoil: Spoil, options: MemoryNodeOptions = {}) {
    const node = await startMemoryNode({ ...storeParts(), ...options })
    const conversationId = await startConversation(node)
    await node.history.insertMessages(sampleMessages(conversationId, 1, 6))
    await node.history.raiseHead(conversationId, '0', { sequence: 6, tokens: 60 }, TIME)
    await spoil(node, conversationId)
    return { node, conversationId }
  }

  test.each(SPOILED)('where %s, the conversation is unreadable', async (_name, spoil) => {
    const { node, conversationId } = await startSpoiled(spoil)
    for (const read of [
      () => readContext(node, conversationId, 200),
      () => readContext(node, conversationId, 200, 'STRONG'),
      () => node.memory.readPrompt(OWNER, conversationId, 200),
    ]) {
      const error: unknown = await read().catch((fault: unknown) => fault)
      expect(error).toBeInstanceOf(ConversationUnreadableError)
      expect(error).toMatchObject({ conversationId })
    }
  })

  test('so it is where a budget reaches no message that is there', async () => {
    const { node, conversationId } = await startSpoiled(hint(9, 90))
    await expect(readContext(node, conversationId, 25)).rejects.toThrow(ConversationUnreadableError)
    await expect(node.memory.readPrompt(OWNER, conversationId, 25)).rejects.toThrow(ConversationUnreadableError)
  })

  test('a prompt in the place of a message behind a gap is unreadable too', async () => {
    const { node, conversationId } = await startSpoiled(({ history }, id) =>
      history.insertMessages(sampleMessages(id, 8, 9)),
    )
    const [replaced] = sampleMessages(conversationId, 9, 9)
    const read = node.memory.readPrompt(OWNER, conversationId, 200, { replaces: replaced?.id ?? '' })
    await expect(read).rejects.toThrow(ConversationUnreadableError)
  })

  test('where a hint has the sequence of one message and the tokens of another, an append finds the newest', async () => {
    const node = await startMemoryNode(storeParts())
    const conversationId = await startConversation(node)
    await node.history.insertMessages(sampleMessages(conversationId, 1, 6))
    await node.history.raiseHead(conversationId, '0', { sequence: 3, tokens: 60 }, TIME)
    const draft = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'x' }] }
    const { messages } = await node.memory.appendMessages(OWNER, conversationId, [draft])
    expect(messages).toMatchObject([{ sequence: 7, tokenStart: 60 }])
  })

  test('what is being erased while it is read is not there, and is not unreadable', async () => {
    const { node, conversationId } = await startSpoiled(() => Promise.resolve(), {
      change: ({ readTokenRange, markDeleted, removeMessages }) => ({
        async readTokenRange(range) {
          await markDeleted(OWNER, range.conversationId, TIME)
          await removeMessages(range.conversationId, 3)
          return readTokenRange(range)
        },
      }),
    })
    await expect(readContext(node, conversationId, 200)).rejects.toThrow(NotFoundError)
  })

  test('a hint that lags by more messages than a budget can hold is no gap', async () => {
    const node = await startMemoryNode(storeParts())
    const { conversationId, messages } = await storeConversation(node, { length: 200, tokens: 4, hintLag: 200 })
    const context = await readContext(node, conversationId, 100)
    expect(context.messages).toEqual(messages.slice(-25))
    expect(context).toMatchObject({ omittedCount: 175, omittedTokens: 700 })
  })
})
