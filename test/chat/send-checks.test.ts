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
  ['modelOptions', { modelOptions: { stream_options: {} } }],
  ['modelOptions', { modelOptions: { n: 2 } }],
  ['modelOptions', { modelOptions: { prompt_cache_key: 'x' } }],
  ['modelOptions', { modelOptions: 'x' }],
  ['modelOptions', { modelOptions: [] }],
  ['modelOptions', { modelOptions: null }],
  ['modelOptions', { modelOptions: nested(33) }],
  ['modelOptions', { modelOptions: nested(100_000) }],
  ['modelOptions', { modelOptions: { stop: '€'.repeat(87_400) } }],
  ['modelOptions', { modelOptions: Object.fromEntries(Array.from({ length: 101 }, (_, key) => [key, 0])) }],
  ['modelOptions keys', { modelOptions: { 'a\0': 1 } }],
  ['modelOptions keys', { modelOptions: { '': 1 } }],
  ['modelOptions keys', { modelOptions: { ['k'.repeat(65)]: 1 } }],
  ['modelOptions.tools[0] keys', { modelOptions: { tools: [{ '\ud83d': 1 }] } }],
  ['modelOptions.temperature', { modelOptions: { temperature: Number.POSITIVE_INFINITY } }],
  ['modelOptions.stop[1]', { modelOptions: { stop: ['a', '\ud83d'] } }],
])('%s is named when it breaks a limit (%#)', (field, change) => {
  expect(fieldOf(() => checkNewReply(asked(change), limits))).toBe(field)
})

test('options of words that are names in JavaScript are options like any other', () => {
  const modelOptions = JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null,"tools":[{"__proto__":1}]}')
  expect(() => checkNewReply(asked({ modelOptions }), limits)).not.toThrow()
})

test('as much as may be is fine, and what is too much is told with the limit and what was given', () => {
  const options = (characters: number) => ({ stop: 'x'.repeat(characters - '{"stop":""}'.length) })
  expect(() => checkNewReply(asked({ modelOptions: options(262_144) }), limits)).not.toThrow()
  expect(() => checkNewReply(asked({ modelOptions: nested(32) }), limits)).not.toThrow()
  expect(() => checkNewReply(asked({ modelOptions: options(262_145) }), limits)).toThrow(
    'modelOptions must be at most 262144 bytes of JSON; got 262145 bytes.',
  )
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
  let value: Json = 1
  for (let level = 0; level < depth; level += 1) value = { a: value }
  return value
}

function fieldOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as BadUserInputError).field
  }
}
