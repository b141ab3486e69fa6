import { expect, test } from 'vitest'
import { messageTexts } from '../../../src/memory/tokens/message-texts.ts'

test('text parts are one text, as the model reads them', () => {
  expect(
    messageTexts({
      parts: [
        { type: 'text', text: 'Hel' },
        { type: 'text', text: 'lo' },
      ],
    }),
  ).toEqual(['Hello'])
})

test('a message without parts has no text', () => {
  expect(messageTexts({ parts: [] })).toEqual([])
})

test('every kind of part costs what it says, without the ids of calls', () => {
  expect(
    messageTexts({
      parts: [
        { type: 'reasoning', text: 'Look it up.' },
        { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{"q":1}' },
        { type: 'toolResult', toolCallId: 'call_1', toolName: 'search', output: 'nothing' },
        { type: 'file', url: 'https://example.org/a.png', mediaType: 'image/png', filename: 'a.png' },
        { type: 'file', url: 'https://example.org/b', mediaType: 'text/plain' },
        { type: 'data', name: 'weather', data: { celsius: 21 } },
        { type: 'text', text: 'Done', providerMetadata: { signature: 'x' } },
      ],
    }),
  ).toEqual([
    'Done',
    'Look it up.',
    'search',
    '{"q":1}',
    'nothing',
    'https://example.org/a.png',
    'a.png',
    'image/png',
    'https://example.org/b',
    'text/plain',
    'weather',
    '{"celsius":21}',
    '{"signature":"x"}',
  ])
})

test('thoughts that led to no call are not sent again and cost nothing', () => {
  const parts = [
    { type: 'reasoning' as const, text: 'Long.' },
    { type: 'text' as const, text: '42' },
  ]
  expect(messageTexts({ parts })).toEqual(['42'])
})
