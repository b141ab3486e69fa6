import { afterEach, describe, expect, test } from 'vitest'
import { createOpenAiModel } from '../../../src/chat/model/openai-model.ts'
import {
  API_KEY,
  answerText,
  answerWith,
  callOf,
  closeServers,
  collect,
  deltaChunk,
  finishChunk,
  REQUEST,
  startServer,
  streamOf,
  textChunk,
  toolCall,
} from '../../support/openai-scripts.ts'
import type { RawCall } from '../../support/raw-model-server.ts'

afterEach(closeServers)

describe('a request', () => {
  test('carries messages, limit, cache key and options, and Backscroll’s own settings win', async () => {
    const { server, events } = await streamOf([answerText('Hi')], {
      ...REQUEST,
      model: 'other',
      maxReplyTokens: 100,
      options: { temperature: 0.5, stream: false, model: 'wrong' },
    })
    await events()
    expect(server.calls[0]?.body).toEqual({
      model: 'other',
      messages: [{ role: 'user', content: 'Hello' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 100,
      prompt_cache_key: 'conv_1',
      temperature: 0.5,
    })
    expect(server.calls[0]?.head).toContain('POST /v1/chat/completions')
    expect(server.calls[0]?.head.toLowerCase()).toContain(`authorization: bearer ${API_KEY}`)
  })

  test('without a key has no authorization', async () => {
    const server = await startServer(answerText('Hi'))
    const model = createOpenAiModel({ baseUrl: server.url, model: 'm' })
    await collect(model.stream(REQUEST, new AbortController().signal))
    expect(server.calls[0]?.head.toLowerCase()).not.toContain('authorization')
    expect(server.calls[0]?.body).toMatchObject({ model: 'm' })
  })
})

describe('a stream', () => {
  test('becomes text, finish reason and usage', async () => {
    const { events } = await streamOf([
      async (call) => {
        await call.startStream()
        await call.event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
        await call.event(textChunk('Hel'))
        await call.event(textChunk('lo'))
        await call.event(finishChunk('stop'))
        await call.event({
          choices: [],
          usage: {
            prompt_tokens: 20,
            completion_tokens: 9,
            prompt_tokens_details: { cached_tokens: 16 },
            completion_tokens_details: { reasoning_tokens: 7 },
          },
        })
        await call.event('[DONE]')
        await call.endChunks()
      },
    ])
    expect((await events()).filter(({ type }) => type !== 'activity')).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'finish', reason: 'STOP' },
      {
        type: 'usage',
        usage: { promptTokens: 20, completionTokens: 9, cachedPromptTokens: 16, reasoningTokens: 7, estimated: false },
      },
    ])
  })

  test.each([
    ['stop', 'STOP'],
    ['length', 'LENGTH'],
    ['tool_calls', 'TOOL_CALLS'],
    ['function_call', 'TOOL_CALLS'],
    ['content_filter', 'CONTENT_FILTER'],
    ['eos', 'STOP'],
  ])('with the finish reason %s ends with %s', async (given, reason) => {
    const { events } = await streamOf([answerText('Hi', given)])
    expect(await events()).toContainEqual({ type: 'finish', reason })
  })

  test('whose finish reason is an error is one, behind what was said', async () => {
    const { received, end } = await callOf([answerText('Hi', 'error')])
    expect(await end).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true })
    expect(received).toEqual(['Hi'])
  })

  test('gives tool calls whole when the model finishes, and shows that it is at work before', async () => {
    const { events } = await streamOf([
      answerWith(
        deltaChunk({ tool_calls: [{ index: 0, id: 'call_a', function: { name: 'search', arguments: '' } }] }),
        deltaChunk({ tool_calls: [{ index: 0, function: { arguments: '{"q":' } }] }),
        deltaChunk({ tool_calls: [{ index: 1, id: 'call_b', function: { name: 'now', arguments: '{}' } }] }),
        deltaChunk({ tool_calls: [{ index: 0, function: { arguments: '"😀"}' } }] }),
        finishChunk('tool_calls'),
      ),
    ])
    const [first, ...others] = await events()
    expect(first).toEqual({ type: 'activity' })
    expect(others.filter(({ type }) => type !== 'activity')).toEqual([
      { type: 'toolCall', part: toolCall('call_a', 'search', '{"q":"😀"}') },
      { type: 'toolCall', part: toolCall('call_b', 'now', '{}') },
      { type: 'finish', reason: 'TOOL_CALLS' },
    ])
  })

  test('gives the arguments of a tool call as text, also where a server sends the object', async () => {
    const called = { name: 'search', arguments: { q: 'x', n: [1] } }
    const { events } = await streamOf([
      answerWith(
        deltaChunk({ tool_calls: [{ index: '0', id: 'call_a', function: called }] }),
        finishChunk('tool_calls'),
      ),
    ])
    expect(await events()).toContainEqual({
      type: 'toolCall',
      part: toolCall('call_a', 'search', '{"q":"x","n":[1]}'),
    })
  })

  test('that ends with tool calls waits for their results, also where a server says that it stopped', async () => {
    const called = { index: 0, id: 'call_a', function: { name: 'now', arguments: '{}' } }
    const { received, end } = await callOf([
      answerWith(deltaChunk({ tool_calls: [called] }), finishChunk('stop'), finishChunk('stop')),
    ])
    expect(await end).toMatchObject({ finishReason: 'TOOL_CALLS' })
    expect(received).toEqual([toolCall('call_a', 'now', '{}')])
  })

  test('gives the one call of the old form', async () => {
    const { events } = await streamOf([
      answerWith(
        deltaChunk({ function_call: { name: 'now', arguments: '' } }),
        deltaChunk({ function_call: { arguments: '{}' } }),
        finishChunk('function_call'),
      ),
    ])
    expect((await events()).filter(({ type }) => type !== 'activity')).toEqual([
      { type: 'toolCall', part: toolCall('call_0', 'now', '{}') },
      { type: 'finish', reason: 'TOOL_CALLS' },
    ])
  })

  test('gives what the model thinks as its reasoning, and a refusal as its text', async () => {
    const { events } = await streamOf([
      answerWith(deltaChunk({ reasoning_content: 'Hm' }), deltaChunk({ refusal: 'I cannot.' }), finishChunk('stop')),
    ])
    expect(await events()).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'I cannot.' },
      { type: 'finish', reason: 'STOP' },
    ])
  })

  test('survives events with nothing for us in them', async () => {
    const other = { choices: [{ index: 1, delta: { content: 'other' } }] }
    const { received, end } = await callOf([
      answerWith({}, { choices: null }, textChunk('Hi'), other, { object: 'ping' }, finishChunk('stop')),
    ])
    expect(await end).toMatchObject({ finishReason: 'STOP' })
    expect(received).toEqual(['Hi'])
  })
})

describe('a server that refuses a field', () => {
  const refusals = [
    ['stream_options', '{"error":{"message":"Unrecognized request argument supplied: stream_options"}}', 400],
    ['prompt_cache_key', '{"detail":[{"type":"extra_forbidden","loc":["body","prompt_cache_key"]}]}', 422],
  ] as const

  test.each(refusals)('is asked again without %s, and never again with it', async (field, body, status) => {
    const server = await startServer((raw) => raw.respond(status, body), answerText('one'), answerText('two'))
    const model = createOpenAiModel({ apiKey: API_KEY, baseUrl: server.url, model: 'm' })
    const { signal } = new AbortController()
    expect(await collect(model.stream(REQUEST, signal))).toContainEqual({ type: 'text', text: 'one' })
    expect(await collect(model.stream(REQUEST, signal))).toContainEqual({ type: 'text', text: 'two' })
    expect(server.calls.map((call) => field in call.body)).toEqual([true, false, false])
  })

  test('gets the limit by its other name', async () => {
    const body = `{"error":{"message":"'max_tokens' is not supported. Use 'max_completion_tokens' instead."}}`
    const { server, events } = await streamOf([(raw) => raw.respond(400, body), answerText('Hi')], {
      ...REQUEST,
      maxReplyTokens: 100,
    })
    await events()
    expect(server.calls[1]?.body).toMatchObject({ max_completion_tokens: 100 })
    expect(server.calls[1]?.body).not.toHaveProperty('max_tokens')
  })

  test('keeps it when the refusal was about something else', async () => {
    const refuse = (raw: RawCall) => raw.respond(400, '{"error":{"message":"what is stream_options?"}}')
    const server = await startServer(refuse, refuse, answerText('Hi'))
    const model = createOpenAiModel({ apiKey: API_KEY, baseUrl: server.url, model: 'm' })
    const { signal } = new AbortController()
    await expect(collect(model.stream(REQUEST, signal))).rejects.toMatchObject({ code: 'MODEL_REJECTED' })
    await collect(model.stream(REQUEST, signal))
    expect(server.calls.map((call) => 'stream_options' in call.body)).toEqual([true, false, true])
  })
})
