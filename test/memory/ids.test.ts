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
