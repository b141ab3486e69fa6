import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClientMessageIdConflictError } from '../../../src/errors.ts'
import { createReplyId } from '../../../src/memory/ids.ts'
import type { Memory } from '../../../src/memory/memory.ts'
import type { MessageDraft } from '../../../src/memory/message.ts'
import { startTestMemory } from '../../support/test-memory.ts'

let memory: Memory
let stop: () => Promise<void>

beforeAll(async () => {
  ;({ memory, stop } = await startTestMemory())
})

afterAll(() => stop())

const draft = (text: string, given: Partial<MessageDraft>): MessageDraft => {
  return { role: 'ASSISTANT', status: 'COMPLETE', createdAt: 5, parts: [{ type: 'text', text }], ...given }
}

const startConversation = async () => (await memory.createConversation('ann', {}, 'FAIL')).conversation.id

test("a reply's message is stored once, whoever appends it and however often", async () => {
  const id = await startConversation()
  const replyId = createReplyId(id)
  const message = draft('the answer', { replyId })
  const append = async (createdAt: number) => memory.appendDrafts('ann', id, [{ ...message, createdAt }])
  const atOnce = await Promise.all([append(1), append(2), append(3)])
  await memory.appendDrafts('ann', id, [draft('something later', {})])
  const all = [...atOnce, await append(4)]
  const [stored] = all.flatMap((appended) => appended.stored)
  expect(all.flatMap((appended) => appended.stored)).toHaveLength(1)
  expect(all.map((appended) => appended.messages)).toEqual(all.map(() => [stored]))
  expect(stored).toMatchObject({ replyId, sequence: 1 })
})

test('what is stored for a reply counts, also where another says something else', async () => {
  const id = await startConversation()
  const replyId = createReplyId(id)
  await memory.appendDrafts('ann', id, [draft('first', { replyId })])
  const { messages, stored } = await memory.appendDrafts('ann', id, [draft('second', { replyId }), draft('next', {})])
  expect(stored).toMatchObject([{ sequence: 2 }])
  expect(messages).toMatchObject([{ sequence: 1, parts: [{ text: 'first' }] }, { sequence: 2 }])
})

test('ids of a client and of a reply do not meet, and the same client id with other content is a conflict', async () => {
  const id = await startConversation()
  const drafts = [draft('a', { clientMessageId: 'x' }), draft('b', { replyId: 'x' })]
  expect((await memory.appendDrafts('ann', id, drafts)).stored).toHaveLength(2)
  expect((await memory.appendDrafts('ann', id, drafts)).stored).toHaveLength(0)
  const other = memory.appendDrafts('ann', id, [draft('c', { clientMessageId: 'x' })])
  await expect(other).rejects.toThrow(ClientMessageIdConflictError)
})
