import { expect, test } from 'vitest'
import { toChatMessages } from '../../src/memory/chat-messages.ts'
import type { Message, MessagePart } from '../../src/memory/message.ts'

test('text goes as it is under the API name of its role', () => {
  const roles = ['SYSTEM', 'DEVELOPER', 'USER', 'ASSISTANT'] as const
  expect(toChatMessages(roles.map((role) => message(role, [text('a'), text('b')])))).toEqual([
    { role: 'system', content: 'ab' },
    { role: 'developer', content: 'ab' },
    { role: 'user', content: 'ab' },
    { role: 'assistant', content: 'ab' },
  ])
})

test('calls go with null content when the model wrote no text, and several results become several messages', () => {
  const calls: MessagePart[] = [
    { type: 'reasoning', text: 'hm' },
    { type: 'toolCall', toolCallId: '1', toolName: 'add', arguments: '{"a":1}' },
    { type: 'toolCall', toolCallId: '2', toolName: 'sub', arguments: '{' },
  ]
  const results: MessagePart[] = [
    { type: 'toolResult', toolCallId: '1', output: 'one' },
    { type: 'toolResult', toolCallId: '2', toolName: 'sub', output: 'two', isError: true },
  ]
  expect(toChatMessages([message('ASSISTANT', calls), message('TOOL', results)])).toEqual([
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: '1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
        { id: '2', type: 'function', function: { name: 'sub', arguments: '{' } },
      ],
    },
    { role: 'tool', tool_call_id: '1', content: 'one' },
    { role: 'tool', tool_call_id: '2', content: 'two' },
  ])
})

test('files of the user go by URL, images as images', () => {
  const parts: MessagePart[] = [
    text('look'),
    { type: 'file', url: 'https://example.com/a.png', mediaType: 'image/png' },
    { type: 'file', url: 'https://example.com/a.pdf', mediaType: 'application/pdf', filename: 'a.pdf' },
  ]
  expect(toChatMessages([message('USER', parts)])).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        { type: 'file', file: { file_data: 'https://example.com/a.pdf', filename: 'a.pdf' } },
      ],
    },
  ])
})

test('reasoning and data are left out, also when nothing else is there', () => {
  const parts: MessagePart[] = [
    { type: 'reasoning', text: 'hm' },
    { type: 'data', name: 'chart', data: [1] },
  ]
  expect(toChatMessages([message('ASSISTANT', parts)])).toEqual([{ role: 'assistant', content: '' }])
})

test('an author becomes a name that the API takes', () => {
  expect(toChatMessages([{ ...message('USER', [text('x')]), author: 'Ann <a/b>' }])).toEqual([
    { role: 'user', content: 'x', name: 'Ann__a_b_' },
  ])
})

test('what was redacted says so and keeps its calls and results', () => {
  const redacted = { status: 'REDACTED' as const }
  const call: MessagePart = { type: 'toolCall', toolCallId: '1', toolName: 'add', arguments: '{"secret":1}' }
  const result: MessagePart = { type: 'toolResult', toolCallId: '1', output: 'secret' }
  const chat = toChatMessages([
    { ...message('USER', [text('secret')]), ...redacted },
    { ...message('ASSISTANT', [text('secret'), call]), ...redacted },
    { ...message('TOOL', [result]), ...redacted },
    { ...message('ASSISTANT', []), ...redacted },
  ])
  expect(JSON.stringify(chat)).not.toContain('secret')
  expect(chat).toEqual([
    { role: 'user', content: '[redacted]' },
    {
      role: 'assistant',
      content: '[redacted]',
      tool_calls: [{ id: '1', type: 'function', function: { name: 'add', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: '1', content: '[redacted]' },
    { role: 'assistant', content: '[redacted]' },
  ])
})

function text(value: string): MessagePart {
  return { type: 'text', text: value }
}

function message(role: Message['role'], parts: MessagePart[]): Message {
  const place = { branch: '0', sequence: 1, tokens: 5, tokenStart: 0 }
  return { id: 'msg', conversationId: 'conv', role, parts, status: 'COMPLETE', createdAt: 0, ...place }
}
