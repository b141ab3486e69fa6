import { expect, test } from 'vitest'
import type { LoggedChange } from '../../../src/memory/events/conversation-events.ts'
import {
  BROKEN_HEAD,
  headStepOf,
  nextId,
  type PublishedHead,
  replacementOf,
  takeStep,
  UNKNOWN_HEAD,
} from '../../../src/memory/events/published-head.ts'
import { createBranchId, createConversationId, messageId } from '../../../src/memory/ids.ts'

const conversationId = createConversationId()
const branch = createBranchId()
const at = (sequence: number, on = '0') => messageId(conversationId, on, sequence)

function headAfter(head: PublishedHead, ...changes: LoggedChange[]): PublishedHead {
  return changes.reduce((before, change) => takeStep(before, headStepOf(change)), head)
}

function appended(sequence: number, on = '0'): LoggedChange {
  return { type: 'MessageAppended', messageId: at(sequence, on) }
}

test('the head goes on with each message that follows, and stays before a gap', () => {
  expect(headAfter(at(0), appended(1), appended(2))).toBe(at(2))
  expect(headAfter(at(2), { type: 'ConversationChanged' }, appended(4))).toBe(at(2))
  expect(nextId(at(2))).toBe(at(3))
})

test('messages that come out of order are caught up with by what closes the gap, one at a time', () => {
  expect(headAfter(at(2), appended(4), appended(3))).toBe(at(3))
})

test('a switch and a reset set the head, and a message of a path that was never selected breaks it', () => {
  const selected: LoggedChange = { type: 'BranchSelected', messageId: at(2, branch), newestId: at(3, branch) }
  expect(headAfter(at(9), selected, appended(4, branch))).toBe(at(4, branch))
  expect(headAfter(at(9), appended(4, branch))).toBe(BROKEN_HEAD)
  expect(headAfter(BROKEN_HEAD, appended(5, branch))).toBe(BROKEN_HEAD)
  expect(headAfter(BROKEN_HEAD, { type: 'ConversationReset', newestId: at(5, branch) })).toBe(at(5, branch))
})

test('an unknown head is whatever is published next', () => {
  expect(headAfter(UNKNOWN_HEAD, appended(7))).toBe(at(7))
  expect(nextId(UNKNOWN_HEAD)).toBeUndefined()
  expect(nextId(BROKEN_HEAD)).toBeUndefined()
})

test('a reset in place of lost changes knows the newest of them; a deletion stays one', () => {
  expect(replacementOf([appended(1), appended(2), { type: 'ConversationChanged' }])).toEqual({
    type: 'ConversationReset',
    newestId: at(2),
  })
  expect(replacementOf([{ type: 'ConversationChanged' }])).toEqual({ type: 'ConversationReset' })
  expect(replacementOf([appended(1), { type: 'ConversationDeleted' }])).toEqual({ type: 'ConversationDeleted' })
})
