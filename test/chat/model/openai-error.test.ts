import { afterEach, describe, expect, test } from 'vitest'
import { API_KEY, answerText, callOf, closeServers, streamOf } from '../../support/openai-scripts.ts'

afterEach(closeServers)

describe('an error status', () => {
  const soon = () => new Date(Date.now() + 1_500).toUTCString()

  test.each([
    ['seconds', () => ({ 'retry-after': '0.1' })],
    ['a date', () => ({ 'retry-after': soon() })],
    ['milliseconds', () => ({ 'retry-after-ms': '100' })],
  ])('429 with Retry-After as %s, then 200, is an answer', async (_name, headers) => {
    const call = await callOf([(raw) => raw.respond(429, '{"error":{"message":"slow"}}', headers()), answerText('Hi')])
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.server.calls).toHaveLength(2)
  })

  test.each([
    [{ 'retry-after': '90' }, 90_000],
    [{ 'retry-after': '90.0004' }, 90_001],
    [{ 'retry-after-ms': '90000.4' }, 90_001],
    [{ 'retry-after': '1e9' }, 2 ** 31 - 1],
  ])('429 with %o says how long to wait, as an Int', async (headers, retryAfterMs) => {
    const call = await callOf([(raw) => raw.respond(429, '', headers)])
    expect(await call.end).toMatchObject({ code: 'MODEL_RATE_LIMITED', retryable: true, retryAfterMs })
  })

  test('429 for a spent quota is not asked again', async () => {
    const body = '{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'
    const call = await callOf([(raw) => raw.respond(429, body)])
    expect(await call.end).toMatchObject({ code: 'MODEL_RATE_LIMITED', retryable: false })
    expect(call.server.calls).toHaveLength(1)
  })

  test.each([408, 409, 500, 503])('%i, then 200, is an answer', async (status) => {
    const call = await callOf([(raw) => raw.respond(status, '<h1>Sorry</h1>'), answerText('Hi')])
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.server.calls).toHaveLength(2)
  })

  test.each([
    [401, '{"error":{"message":"Incorrect API key provided: sk-test-0123**********cdef"}}', 'credentials'],
    [404, '{"error":{"message":"no /srv/models/gpt"}}', 'does not know this model'],
    [400, '{"error":{"message":"This model’s maximum context is 8192 tokens"}}', 'maximum context is 8192 tokens'],
    [400, '{"error":"model is not chat"}', 'model is not chat'],
    [422, '{"detail":"messages: too long"}', 'messages: too long'],
    [413, '<html><h1>Request Entity Too Large</h1> nginx/1.2</html>', 'status 413'],
    [418, 'short and stout', 'status 418'],
  ])('%i with %s is a refusal that says so', async (status, body, words) => {
    const call = await callOf([(raw) => raw.respond(status, body)])
    expect(await call.end).toMatchObject({
      code: 'MODEL_REJECTED',
      retryable: false,
      message: expect.stringContaining(words),
    })
    expect(call.server.calls).toHaveLength(1)
  })

  test('lets no key, address or stack through', async () => {
    const text = `Bad ${API_KEY} sk-live_abc123XYZ at http://10.0.0.1:8080/x for org-Abc12345 by gateway.internal:9000\n at /srv`
    const call = await callOf([(raw) => raw.respond(400, JSON.stringify({ error: { message: text } }))])
    const error = (await call.end) as Error
    expect(error.message).toBe(
      "The model's provider refused the request with status 400: Bad […] […] at […] for […] by […]",
    )
  })

  test('a server that cannot be reached is unavailable', async () => {
    const { server, events } = await streamOf([])
    await server.close()
    await expect(events()).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      retryable: true,
      message: expect.not.stringContaining('127.0.0.1'),
    })
  })
})
