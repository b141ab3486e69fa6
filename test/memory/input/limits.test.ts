import { describe, expect, test } from 'vitest'
import { BadUserInputError } from '../../../src/errors.ts'
import {
  checkChanges,
  checkContextRequest,
  checkMetadata,
  checkNewConversation,
  checkNewMessages,
} from '../../../src/memory/input/limits.ts'
import type { Json, MessagePart, Metadata, NewMessage } from '../../../src/memory/message.ts'

const halfPair = '\ud83d'
const limits = { maxContextTokens: 1_000, maxMessageBytes: 100 }
const now = Date.UTC(2026, 0, 1)

describe('context requests', () => {
  test.each([1, 1_000])('maxTokens %d is fine', (maxTokens) => {
    expect(() => checkContextRequest({ maxTokens, anchor: 0 }, limits)).not.toThrow()
  })

  test.each([0, -1, 1_001, 1.5, Number.NaN])(
    'maxTokens %d is refused with the limit and what was given',
    (maxTokens) => {
      expect(() => checkContextRequest({ maxTokens, anchor: 0 }, limits)).toThrow(
        new BadUserInputError('maxTokens', 'from 1 to 1000', String(maxTokens)),
      )
    },
  )

  test.each([-0.1, 0.51, Number.NaN, Number.POSITIVE_INFINITY])('anchor %d is refused', (anchor) => {
    expect(fieldOf(() => checkContextRequest({ maxTokens: 1, anchor }, limits))).toBe('anchor')
  })
})

describe('metadata', () => {
  test('sixteen keys of 64 characters with values of 512 are fine', () => {
    const keys = Array.from({ length: 16 }, (_, index) => String(index).padEnd(64, 'k'))
    expect(() => checkMetadata('metadata', Object.fromEntries(keys.map((key) => [key, 'v'.repeat(512)])))).not.toThrow()
  })

  test.each<[string, Json]>([
    ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 1]))],
    ['metadata keys', { ['k'.repeat(65)]: 1 }],
    ['metadata keys', { '': 1 }],
    ['metadata keys', { 'a\0b': 1 }],
    ['metadata keys', { [halfPair]: 1 }],
    ['metadata.a', { a: 'v'.repeat(513) }],
    ['metadata.a', { a: { b: 1 } }],
    ['metadata.a', { a: [1] }],
    ['metadata.a', { a: halfPair }],
    ['metadata', 'text'],
    ['metadata', [1]],
  ])('%s is named when it breaks a limit (%#)', (field, metadata) => {
    expect(fieldOf(() => checkMetadata('metadata', metadata as Metadata))).toBe(field)
  })
})

describe('conversations', () => {
  test.each([
    ['externalId', { externalId: '' }],
    ['externalId', { externalId: 'x'.repeat(257) }],
    ['externalId', { externalId: 'a\0' }],
    ['title', { title: 't'.repeat(513) }],
    ['model', { model: '' }],
    ['instructions', { instructions: halfPair }],
    ['encoding', { encoding: 'klingon' }],
    ['expiresAt', { expiresAt: now }],
    ['metadata.a', { metadata: { a: halfPair } }],
    ['metadata.a', { metadata: { a: Number.POSITIVE_INFINITY } }],
  ])('%s is named when it breaks a limit (%#)', (field, input) => {
    expect(fieldOf(() => checkNewConversation(input, now))).toBe(field)
  })

  test('null removes a value and has no limit', () => {
    const changes = { title: null, model: null, instructions: null, metadata: null, archivedAt: null, expiresAt: null }
    expect(() => checkChanges(changes, now)).not.toThrow()
  })
})

describe('messages', () => {
  test('a thousand are fine and one more is not', () => {
    const many = Array.from({ length: 1_001 }, () => said('x'))
    expect(() => checkNewMessages(many.slice(1), limits)).not.toThrow()
    expect(fieldOf(() => checkNewMessages(many, limits))).toBe('messages')
    expect(fieldOf(() => checkNewMessages([], limits))).toBe('messages')
  })

  test('the bytes of all parts count, not the characters', () => {
    expect(() => checkNewMessages([said('é'.repeat(50))], limits)).not.toThrow()
    expect(() => checkNewMessages([said('é'.repeat(51))], limits)).toThrow(
      'messages[0] must be at most 100 bytes; got 102 bytes.',
    )
    const inProvider = {
      ...said('x'.repeat(90)),
      parts: [{ type: 'text' as const, text: 'x'.repeat(90), providerMetadata: { a: 'x'.repeat(20) } }],
    }
    expect(fieldOf(() => checkNewMessages([inProvider], limits))).toBe('messages[0]')
  })

  test('a client id may stand only once in a call', () => {
    const twice = [
      { ...said('a'), clientMessageId: 'same' },
      { ...said('b'), clientMessageId: 'same' },
    ]
    expect(fieldOf(() => checkNewMessages(twice, limits))).toBe('messages[1].clientMessageId')
  })

  test('NUL is text like any other, and an empty text is a text', () => {
    expect(() => checkNewMessages([said('a\0b'), said('')], limits)).not.toThrow()
  })

  test.each<[string, Partial<NewMessage>]>([
    ['messages[0].parts', { parts: [] }],
    ['messages[0].parts', { role: 'TOOL' }],
    ['messages[0].author', { author: 'a'.repeat(129) }],
    ['messages[0].createdAt', { createdAt: -1 }],
    ['messages[0].createdAt', { createdAt: Number.NaN }],
    ['messages[0].clientMessageId', { clientMessageId: 'x\0' }],
    ['messages[0].metadata.a', { metadata: { a: 'x'.repeat(513) } }],
    ['messages[0].metadata.a', { metadata: { a: Number.POSITIVE_INFINITY } }],
    ['messages[0].role', { parts: [{ type: 'toolCall', toolCallId: '1', toolName: 't', arguments: '{}' }] }],
  ])('%s is named when it breaks a limit (%#)', (field, change) => {
    expect(fieldOf(() => checkNewMessages([{ ...said('x'), ...change }], { maxMessageBytes: 1_000 }))).toBe(field)
  })

  test.each<[string, MessagePart]>([
    ['text', { type: 'text', text: halfPair }],
    ['text', { type: 'reasoning', text: halfPair }],
    ['toolName', { type: 'toolCall', toolCallId: '1', toolName: '', arguments: '{}' }],
    ['toolCallId', { type: 'toolResult', toolCallId: '', output: 'x' }],
    ['output', { type: 'toolResult', toolCallId: '1', output: halfPair }],
    ['url', { type: 'file', url: 'javascript:alert(1)', mediaType: 'text/html' }],
    ['url', { type: 'file', url: 'image.png', mediaType: 'image/png' }],
    ['mediaType', { type: 'file', url: 'https://example.com', mediaType: '' }],
    ['name', { type: 'data', name: '', data: 1 }],
    ['data', { type: 'data', name: 'deep', data: nested(33) }],
    ['data[0].a', { type: 'data', name: 'large', data: [{ a: Number.POSITIVE_INFINITY }] }],
    ['providerMetadata.a', { type: 'text', text: 'x', providerMetadata: { a: Number.NEGATIVE_INFINITY } }],
    [
      `providerMetadata.${'k'.repeat(40)}…[1]`,
      { type: 'text', text: 'x', providerMetadata: { ['k'.repeat(90)]: [1, Number.NaN] } },
    ],
    ['providerMetadata', { type: 'data', name: 'x', data: 1, providerMetadata: Number.NaN }],
    ['data[0].a', { type: 'data', name: 'half', data: [{ a: halfPair }] }],
    ['data[0] keys', { type: 'data', name: 'key', data: [{ 'a\0': 1 }] }],
  ])('the %s of a part is named when it breaks a limit (%#)', (field, part) => {
    const message: NewMessage = { role: 'ASSISTANT', parts: [part] }
    expect(fieldOf(() => checkNewMessages([message], { maxMessageBytes: 1_000 }))).toBe(`messages[0].parts[0].${field}`)
  })
})

function said(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }] }
}

function nested(depth: number): Json {
  return depth === 0 ? 1 : [nested(depth - 1)]
}

function fieldOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as BadUserInputError).field
  }
}
