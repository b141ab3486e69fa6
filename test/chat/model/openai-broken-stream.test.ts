import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  answerText,
  answerWith,
  begin,
  callOf,
  closeServers,
  finishChunk,
  PATIENT,
  streamOf,
  textChunk,
} from '../../support/openai-scripts.ts'
import type { RawCall } from '../../support/raw-model-server.ts'

afterEach(closeServers)

describe('the end of a call', () => {
  test('a stall after the headers is a timeout', async () => {
    const call = await callOf([(raw) => raw.startStream()], { ...PATIENT, firstTokenMs: 500 })
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    await call.server.calls[0]?.closed
  })

  test('a stall before the headers is a timeout', async () => {
    const call = await callOf([async () => {}], { ...PATIENT, firstTokenMs: 500 })
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    await call.server.calls[0]?.closed
  })

  test('a stall after the first token is a timeout', async () => {
    const call = await callOf([begin('Hel')], { ...PATIENT, idleMs: 500 })
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    expect(call.received).toEqual(['Hel'])
    await call.server.calls[0]?.closed
  })

  test('an end without a finish reason is a broken stream', async () => {
    const call = await callOf([answerWith(textChunk('Hel'))])
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN' })
    expect(call.received).toEqual(['Hel'])
  })

  test.each([
    ['HTML', 'text/html', '<!doctype html><title>Welcome</title>'],
    ['a JSON error', 'application/json', '{"error":{"message":"no"}}'],
    ['nothing', 'text/event-stream', ''],
  ])('%s with status 200 is a broken stream', async (_name, contentType, body) => {
    const call = await callOf([(raw) => raw.respond(200, body, { 'content-type': contentType })])
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN' })
    expect(call.received).toEqual([])
  })

  test.each(['{"choices":[{"del', '5', '{"choices":{"a":1}}'])('the event %s is a broken stream', async (data) => {
    const logged = vi.spyOn(console, 'error')
    const call = await callOf([answerWith(textChunk('Hel'), data, finishChunk('stop'))])
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN', message: expect.stringContaining('read') })
    expect(call.received).toEqual(['Hel'])
    expect(logged).not.toHaveBeenCalled()
    logged.mockRestore()
  })

  test('an error of the server in the middle of a stream is told as one, and its words stay here', async () => {
    const call = await callOf([
      answerWith(textChunk('Hel'), { error: { message: 'at /srv/model.py', type: 'server_error' } }),
    ])
    expect(await call.end).toMatchObject({ code: 'MODEL_UNAVAILABLE', message: expect.not.stringContaining('/srv') })
  })

  test('an error event with a status is that status', async () => {
    const call = await callOf([answerWith({ error: { message: 'busy', code: 502 } }), answerText('Hi')])
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.server.calls).toHaveLength(2)
  })

  test('a socket that is cut in the middle is a broken stream', async () => {
    const call = await callOf([
      async (raw) => {
        await begin('Hel')(raw)
        await vi.waitFor(() => expect(call.received).toEqual(['Hel']), 60_000)
        raw.cut()
      },
    ])
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN', retryable: true })
    expect(call.server.calls).toHaveLength(1)
  })

  test('a socket that is cut before the first token is a failed connection, and asked again', async () => {
    const cut = async (raw: RawCall) => raw.cut()
    const cutLater = async (raw: RawCall) => {
      await raw.startStream()
      raw.cut()
    }
    const call = await callOf([cut, cutLater, answerText('Hi')])
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.received).toEqual(['Hi'])
  })

  test('[DONE] ends the stream although the socket stays open', async () => {
    const { events, server } = await streamOf([
      async (raw) => {
        await raw.startStream()
        for (const event of [textChunk('Hi'), finishChunk('stop'), '[DONE]']) await raw.event(event)
      },
    ])
    expect(await events()).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'finish', reason: 'STOP' },
    ])
    await server.calls[0]?.closed
  })

  test('an abort closes the connection', async () => {
    const call = await callOf([begin('Hel')])
    await vi.waitFor(() => expect(call.received).toEqual(['Hel']), 60_000)
    const reason = new Error('Cancelled.')
    call.controller.abort(reason)
    expect(await call.end).toBe(reason)
    await call.server.calls[0]?.closed
  })

  test('an aborted stream throws why it was aborted', async () => {
    const { events, controller } = await streamOf([begin('Hel')])
    await expect(events(() => controller.abort(new Error('Cancelled.')))).rejects.toThrow('Cancelled.')
  })
})

describe('characters', () => {
  test('in two halves in two events are one', async () => {
    const call = await callOf([
      answerWith(
        '{"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}',
        '{"choices":[{"index":0,"delta":{"content":"\\ude00b"}}]}',
        finishChunk('stop'),
      ),
    ])
    await call.end
    expect(call.received).toEqual(['a', '😀b'])
  })

  test('in two packets are one', async () => {
    const event = Buffer.from(`data: ${JSON.stringify(textChunk('😀'))}\n\n`)
    const middle = event.indexOf('😀') + 2
    const call = await callOf([
      async (raw) => {
        await raw.startStream()
        await raw.chunk(event.subarray(0, middle))
        await raw.chunk(event.subarray(middle))
        await raw.event(finishChunk('stop'))
        await raw.endChunks()
      },
    ])
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.received).toEqual(['😀'])
  })
})
