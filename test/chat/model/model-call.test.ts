import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ModelError } from '../../../src/chat/model/chat-model.ts'
import { rateLimited, settle, startCall, TOOL_CALL } from '../../support/scripted-call.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('an answer', () => {
  test('is heard as it comes and ends with its finish reason and usage', async () => {
    const call = startCall()
    const scripted = await call.next()
    expect(scripted.request).toBe(call.request)
    scripted.text('Hel')
    await settle()
    expect(call.received).toEqual(['Hel'])
    scripted.text('lo')
    scripted.toolCall(TOOL_CALL)
    scripted.finish('TOOL_CALLS')
    scripted.usage({ promptTokens: 5, completionTokens: 2, estimated: false })
    scripted.end()
    expect(await call.end).toEqual({
      finishReason: 'TOOL_CALLS',
      usage: { promptTokens: 5, completionTokens: 2, estimated: false },
    })
    expect(call.received).toEqual(['Hel', 'lo', TOOL_CALL])
    expect(scripted.signal.aborted).toBe(false)
  })

  test('without usage is whole as well', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.answer('Hi')
    expect(await call.end).toEqual({ finishReason: 'STOP', usage: undefined })
  })

  test('may be empty', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.finish('CONTENT_FILTER')
    scripted.end()
    expect(await call.end).toEqual({ finishReason: 'CONTENT_FILTER', usage: undefined })
    expect(call.received).toEqual([])
  })

  test('that ends without a finish reason is a broken stream', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('Half an ans')
    scripted.end()
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN', retryable: true })
    expect(call.received).toEqual(['Half an ans'])
    expect(call.model.calls).toHaveLength(1)
  })

  test('that ends before it began is asked for again, and in the end a broken stream', async () => {
    const call = startCall()
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const scripted = await call.next()
      scripted.activity()
      scripted.end()
      await settle()
      if (attempt < 2) await vi.advanceTimersToNextTimerAsync()
    }
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN', retryable: true })
    expect(call.model.calls).toHaveLength(3)
  })

  test('is whole with its finish reason, whatever happens to the stream afterwards', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('Done')
    scripted.finish()
    scripted.fail(new ModelError('MODEL_STREAM_BROKEN', 'The connection was cut.', { retryable: true }))
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
  })

  test('is not held up by a stream that stays open after the finish reason', async () => {
    const call = startCall({ hangsOnAbort: true })
    const scripted = await call.next()
    scripted.text('Done')
    scripted.finish()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(scripted.signal.aborted).toBe(true)
  })
})

describe('half characters', () => {
  test('are held back and joined with the next delta', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('a\ud83d')
    await settle()
    expect(call.received).toEqual(['a'])
    scripted.text('\ude00b')
    scripted.text('\ud83d')
    scripted.text('\ude00')
    scripted.finish()
    scripted.end()
    await call.end
    expect(call.received).toEqual(['a', '😀b', '😀'])
  })

  test('without their other half become U+FFFD', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('a\ude00b\ud83d')
    scripted.text('c')
    scripted.text('d\ud83d')
    scripted.finish()
    scripted.end()
    await call.end
    expect(call.received).toEqual(['a\ufffdb', '\ufffdc', 'd', '\ufffd'])
  })

  test('are not joined across a tool call', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('\ud83d')
    scripted.toolCall(TOOL_CALL)
    scripted.finish()
    scripted.end()
    await call.end
    expect(call.received).toEqual(['\ufffd', TOOL_CALL])
  })

  test('are dropped when the stream breaks', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('a\ud83d')
    scripted.end()
    await call.end
    expect(call.received).toEqual(['a'])
  })
})

describe('an abort', () => {
  const reason = new Error('Cancelled.')

  test('before the call asks nobody', async () => {
    const call = startCall({ aborted: reason })
    expect(await call.end).toBe(reason)
    expect(call.model.calls).toHaveLength(0)
  })

  test.each([false, true])('ends the call at once (model hangs: %s)', async (hangsOnAbort) => {
    const call = startCall({ hangsOnAbort })
    const scripted = await call.next()
    scripted.text('a')
    await settle()
    call.abort(reason)
    expect(await call.end).toBe(reason)
    expect(scripted.signal.reason).toBe(reason)
    if (hangsOnAbort) scripted.answer('too late')
    await settle()
    expect(call.received).toEqual(['a'])
  })

  test('ends a wait before a retry at once', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.fail(rateLimited(7_000))
    await settle()
    call.abort(reason)
    expect(await call.end).toBe(reason)
  })

  test('of a model that ends quietly is still an abort', async () => {
    const call = startCall({ hangsOnAbort: true })
    const scripted = await call.next()
    scripted.finish()
    call.abort(reason)
    scripted.end()
    expect(await call.end).toBe(reason)
  })
})
