import { expect, test } from 'vitest'
import { type AskedReply, checkNewReply } from '../../src/chat/chat.ts'
import type { BadUserInputError } from '../../src/errors.ts'
import type { Json } from '../../src/memory/message.ts'

const limits = { maxContextTokens: 1_000, maxMessageBytes: 100 }

test('a question with everything that may be set is fine', () => {
  const modelOptions = { temperature: 0, tools: [{ type: 'function' }] }
  expect(() => checkNewReply(asked({ model: 'm', maxReplyTokens: 1, modelOptions }), limits)).not.toThrow()
})

test.each<[string, Partial<AskedReply>]>([
  ['role', { question: { role: 'SYSTEM', parts: [{ type: 'text', text: 'x' }] } }],
  ['parts', { question: { role: 'USER', parts: [] } }],
  ['parts[0].text', { question: { role: 'USER', parts: [{ type: 'text', text: '\ud83d' }] } }],
  ['content', { question: { role: 'USER', parts: [{ type: 'text', text: 'x'.repeat(101) }] } }],
  ['maxContextTokens', { maxTokens: 1_001 }],
  ['anchor', { anchor: 0.51 }],
  ['model', { model: 'x'.repeat(129) }],
  ['maxReplyTokens', { maxReplyTokens: 0.5 }],
  ['modelOptions', { modelOptions: { messages: [] } }],
  ['modelOptions', { modelOptions: { model: 'x' } }],
  ['modelOptions', { modelOptions: { stream: false } }],
  ['modelOptions', { modelOptions: 'x' }],
  ['modelOptions', { modelOptions: nested(33) }],
  ['modelOptions keys', { modelOptions: { 'a\0': 1 } }],
])('%s is named when it breaks a limit (%#)', (field, change) => {
  expect(fieldOf(() => checkNewReply(asked(change), limits))).toBe(field)
})

function asked(change: Partial<AskedReply>): AskedReply {
  return {
    clientMessageId: 'c',
    question: { role: 'USER', parts: [{ type: 'text', text: 'x' }] },
    maxTokens: 10,
    anchor: 0,
    ...change,
  }
}

function nested(depth: number): Json {
  return depth === 0 ? 1 : { a: nested(depth - 1) }
}

function fieldOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as BadUserInputError).field
  }
}
