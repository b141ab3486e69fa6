import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ModelError } from '../../../src/chat/model/chat-model.ts'
import { rateLimited, settle, startCall, TIMEOUTS, TOOL_CALL } from '../../support/scripted-call.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('timers', () => {
  test('end a call without a first token, and the model hears of it', async () => {
    const call = startCall({ hangsOnAbort: true })
    const scripted = await call.next()
    scripted.text('')
    scripted.usage({ promptTokens: 5, completionTokens: 0, estimated: false })
    await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs - 1)
    expect(call.isSettled()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT', retryable: true })
    expect(scripted.signal.aborted).toBe(true)
    expect(call.model.calls).toHaveLength(1)
  })

  test('end a call that falls silent, and every token starts them anew', async () => {
    const call = startCall()
    const scripted = await call.next()
    for (const text of ['a', 'b', 'c']) {
      scripted.text(text)
      await vi.advanceTimersByTimeAsync(TIMEOUTS.idleMs - 1)
    }
    expect(call.isSettled()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    expect(call.received).toEqual(['a', 'b', 'c'])
  })

  test('see a model that is at work on a tool call', async () => {
    const call = startCall()
    const scripted = await call.next()
    await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs - 1)
    for (let delta = 0; delta < 10; delta += 1) {
      scripted.activity()
      await vi.advanceTimersByTimeAsync(TIMEOUTS.idleMs - 1)
    }
    scripted.toolCall(TOOL_CALL)
    scripted.finish('TOOL_CALLS')
    scripted.end()
    expect(await call.end).toMatchObject({ finishReason: 'TOOL_CALLS' })
  })

  test('begin anew with each sign of life, and end a call whose signs end', async () => {
    const call = startCall()
    const scripted = await call.next()
    for (let sign = 0; sign < 5; sign += 1) {
      await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs - 1)
      scripted.activity()
      await settle()
    }
    expect(call.isSettled()).toBe(false)
    await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs)
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
  })

  test('let nothing more be heard once they have ended the call', async () => {
    const call = startCall({ hangsOnAbort: true })
    const scripted = await call.next()
    await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs)
    await call.end
    scripted.answer('too late')
    await settle()
    expect(call.received).toEqual([])
  })
})

describe('retries', () => {
  test.each(['MODEL_UNAVAILABLE', 'MODEL_RATE_LIMITED'] as const)('follow %s before the first token', async (code) => {
    const call = startCall()
    const first = await call.next()
    first.fail(new ModelError(code, 'Try again.', { retryable: true }))
    await vi.advanceTimersByTimeAsync(500)
    const second = await call.next()
    second.answer('Hi')
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
    expect(call.received).toEqual(['Hi'])
  })

  test('are two at most, after waits that double and differ', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const call = startCall()
    const askedAt: number[] = []
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const scripted = await call.next()
      askedAt.push(Math.round(performance.now()))
      scripted.fail(new ModelError('MODEL_UNAVAILABLE', 'Try again.', { retryable: true }))
      if (attempt < 2) await vi.advanceTimersToNextTimerAsync()
    }
    expect(await call.end).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    expect(askedAt.map((at) => at - (askedAt[0] ?? 0))).toEqual([0, 375, 375 + 750])
    random.mockRestore()
  })

  test('wait as long as the provider asks', async () => {
    const call = startCall()
    const first = await call.next()
    first.fail(rateLimited(7_000))
    await vi.advanceTimersByTimeAsync(6_999)
    expect(call.model.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    const second = await call.next()
    second.answer('Hi')
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
  })

  test('do not wait longer than the first token may take', async () => {
    const call = startCall()
    const first = await call.next()
    first.fail(rateLimited(TIMEOUTS.firstTokenMs))
    expect(await call.end).toMatchObject({
      code: 'MODEL_RATE_LIMITED',
      retryable: true,
      retryAfterMs: TIMEOUTS.firstTokenMs,
    })
  })

  test('share the time for the first token', async () => {
    const call = startCall()
    const first = await call.next()
    first.fail(rateLimited(7_000))
    await vi.advanceTimersByTimeAsync(7_000)
    await call.next()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await call.end).toMatchObject({ code: 'MODEL_TIMEOUT' })
  })

  test('follow what was only a sign of life', async () => {
    const call = startCall()
    const first = await call.next()
    first.activity()
    first.fail(new ModelError('MODEL_UNAVAILABLE', 'Try again.', { retryable: true }))
    await settle()
    await vi.advanceTimersByTimeAsync(500)
    const second = await call.next()
    second.answer('Hi')
    expect(await call.end).toMatchObject({ finishReason: 'STOP' })
  })

  test.each(['text', 'toolCall'] as const)('never follow a first %s', async (type) => {
    const call = startCall()
    const scripted = await call.next()
    if (type === 'text') scripted.text('a')
    else scripted.toolCall(TOOL_CALL)
    scripted.fail(new ModelError('MODEL_UNAVAILABLE', 'Try again.', { retryable: true }))
    expect(await call.end).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    expect(call.model.calls).toHaveLength(1)
  })

  test('never follow a request that was refused', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.fail(new ModelError('MODEL_REJECTED', 'Too long.', { retryable: false }))
    expect(await call.end).toMatchObject({ code: 'MODEL_REJECTED' })
    expect(call.model.calls).toHaveLength(1)
  })
})
