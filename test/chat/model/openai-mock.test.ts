import { LLMock } from '@copilotkit/aimock'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { callModel } from '../../../src/chat/model/model-call.ts'
import { createOpenAiModel } from '../../../src/chat/model/openai-model.ts'
import type { DataPart, ToolCallPart } from '../../../src/memory/message.ts'
import { createListener, PATIENT } from '../../support/openai-scripts.ts'

const mock = new LLMock({ port: 0, chunkSize: 3 })

beforeEach(() => mock.start())

afterEach(async () => {
  await mock.stop()
  mock.reset()
})

test('an independent double of the API gives text, finish reason and usage', async () => {
  mock.onMessage('hello', {
    content: 'Grüße, 世界 👋',
    usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
  })
  const { end, received } = startCall('hello')
  expect(await end).toEqual({
    finishReason: 'STOP',
    usage: { promptTokens: 12, completionTokens: 7, estimated: false },
  })
  expect(received.join('')).toBe('Grüße, 世界 👋')
})

test('an independent double of the API gives tool calls', async () => {
  mock.onMessage('weather', {
    toolCalls: [
      { name: 'weather', arguments: '{"city":"Paris"}', id: 'call_1' },
      { name: 'weather', arguments: '{"city":"Oslo"}', id: 'call_2' },
    ],
  })
  const { end, received } = startCall('weather')
  expect(await end).toMatchObject({ finishReason: 'TOOL_CALLS' })
  expect(received).toEqual([
    { type: 'toolCall', toolCallId: 'call_1', toolName: 'weather', arguments: '{"city":"Paris"}' },
    { type: 'toolCall', toolCallId: 'call_2', toolName: 'weather', arguments: '{"city":"Oslo"}' },
  ])
})

test('an independent double of the API is asked again after an error of its own', async () => {
  mock.onMessage('hello', { content: 'Hi' })
  mock.nextRequestError(503, { message: 'overloaded' })
  const { end, received } = startCall('hello')
  expect(await end).toMatchObject({ finishReason: 'STOP' })
  expect(received.join('')).toBe('Hi')
})

function startCall(content: string) {
  const model = createOpenAiModel({ apiKey: 'none', baseUrl: `${mock.url}/v1`, model: 'gpt-4o' })
  const received: (string | ToolCallPart | DataPart)[] = []
  const listener = createListener((said) => void received.push(said))
  const request = { messages: [{ role: 'user', content }], cacheKey: 'conv_1' }
  const end = callModel(model, request, PATIENT, listener, new AbortController().signal)
  return { received, end: end.catch((error: unknown) => error) }
}
