import { expect, test } from 'vitest'
import { conversationOfReply, createConversationId, createReplyId } from '../../src/memory/ids.ts'

test("a reply's id leads to its conversation", () => {
  const conversationId = createConversationId()
  const replyId = createReplyId(conversationId)
  expect(replyId).toMatch(/^rep_[0-9a-z]{26}_[0-9a-z]{26}$/)
  expect(conversationOfReply(replyId)).toBe(conversationId)
  expect(createReplyId(conversationId)).not.toBe(replyId)
})

test('what is not the id of a reply has no conversation', () => {
  const conversationId = createConversationId()
  const replyId = createReplyId(conversationId)
  const others = ['', 'rep_', conversationId, `${replyId}0`, ` ${replyId}`, replyId.replace('rep', 'msg')]
  const junk = [`rep_${'z'.repeat(26)}_${replyId.slice(-26)}`, `${replyId.slice(0, -26)}${'u'.repeat(26)}`]
  for (const id of [...others, ...junk, replyId.toUpperCase()]) expect(conversationOfReply(id)).toBeUndefined()
})

test('the ids of conversations that are made one after another are spread over all ids', () => {
  const beginnings = Array.from({ length: 1_000 }, () =>
    createConversationId().slice('conv_'.length, 'conv_'.length + 2),
  )
  // Of 256; ids that begin with their time would all begin alike.
  expect(new Set(beginnings).size).toBeGreaterThan(128)
  expect(beginnings.toSorted()).not.toEqual(beginnings)
})
