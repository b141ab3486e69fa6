import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createNotes } from '../../src/transfer/notes.ts'
import { decodeMessage, encodeMessage } from '../../src/transfer/openai/openai-message.ts'
import { arbitraryMessage } from '../support/arbitrary-conversation.ts'

test('every message is read back as it was written', () => {
  fc.assert(
    fc.property(arbitraryMessage(), (message) => {
      const written = JSON.stringify(encodeMessage(message))
      expect(decodeMessage('messages[0]', JSON.parse(written), '', createNotes([]))).toEqual(message)
    }),
    { numRuns: 500 },
  )
})

test('what the chat completions format can say stands in that format alone', () => {
  const createdAt = Date.UTC(2024, 7, 5)
  const said = { status: 'COMPLETE', createdAt } as const
  const call = { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{"q":1}' } as const
  const result = { type: 'toolResult', toolCallId: 'call_1', output: 'nothing' } as const
  const image = { type: 'file', url: 'https://example.org/a.png', mediaType: 'image/*' } as const
  const time = '2024-08-05T00:00:00.000Z'
  expect(
    JSON.parse(
      JSON.stringify([
        encodeMessage({
          ...said,
          role: 'USER',
          author: 'ada',
          parts: [{ type: 'text', text: 'What is this?' }, image],
        }),
        encodeMessage({ ...said, role: 'ASSISTANT', parts: [call] }),
        encodeMessage({ ...said, role: 'TOOL', parts: [result] }),
      ]),
    ),
  ).toEqual([
    {
      role: 'user',
      name: 'ada',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'https://example.org/a.png' } },
      ],
      createdAt: time,
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'search', arguments: '{"q":1}' } }],
      createdAt: time,
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'nothing', createdAt: time },
  ])
})
