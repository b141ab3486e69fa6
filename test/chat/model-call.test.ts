import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ModelError } from '../../src/chat/chat-model.ts'
import { callModel } from '../../src/chat/model-call.ts'
import type { ToolCallPart } from '../../src/memory/message.ts'
import { createScriptedModel } from '../support/scripted-model.ts'

const TIMEOUTS = { firstTokenMs: 10_000, idleMs: 3_000 }
const TOOL_CALL: ToolCallPart = { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{"q":"x"}' }

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
    expect(call.heard).toEqual(['Hel'])
    scripted.text('lo')
    scripted.toolCall(TOOL_CALL)
    scripted.finish('TOOL_CALLS')
    scripted.usage({ promptTokens: 5, completionTokens: 2, estimated: false })
    scripted.end()
    expect(await call.end).toEqual({
      finishReason: 'TOOL_CALLS',
      usage: { promptTokens: 5, completionTokens: 2, estimated: false },
    })
    expect(call.heard).toEqual(['Hel', 'lo', TOOL_CALL])
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
    expect(call.heard).toEqual([])
  })

  test('that ends without a finish reason is a broken stream', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('Half an ans')
    scripted.end()
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN', retryable: true })
    expect(call.heard).toEqual(['Half an ans'])
    expect(call.model.calls).toHaveLength(1)
  })

  test('that ends before it began is a broken stream and not asked for again', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.end()
    expect(await call.end).toMatchObject({ code: 'MODEL_STREAM_BROKEN' })
    expect(call.model.calls).toHaveLength(1)
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
    expect(call.heard).toEqual(['a'])
    scripted.text('\ude00b')
    scripted.text('\ud83d')
    scripted.text('\ude00')
    scripted.finish()
    scripted.end()
    await call.end
    expect(call.heard).toEqual(['a', '😀b', '😀'])
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
    expect(call.heard).toEqual(['a\ufffdb', '\ufffdc', 'd', '\ufffd'])
  })

  test('are not joined across a tool call', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('\ud83d')
    scripted.toolCall(TOOL_CALL)
    scripted.finish()
    scripted.end()
    await call.end
    expect(call.heard).toEqual(['\ufffd', TOOL_CALL])
  })

  test('are dropped when the stream breaks', async () => {
    const call = startCall()
    const scripted = await call.next()
    scripted.text('a\ud83d')
    scripted.end()
    await call.end
    expect(call.heard).toEqual(['a'])
  })
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
    expect(call.heard).toEqual(['a', 'b', 'c'])
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

  test('let nothing more be heard once they have ended the call', async () => {
    const call = startCall({ hangsOnAbort: true })
    const scripted = await call.next()
    await vi.advanceTimersByTimeAsync(TIMEOUTS.firstTokenMs)
    await call.end
    scripted.answer('too late')
    await settle()
    expect(call.heard).toEqual([])
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
    expect(call.heard).toEqual(['Hi'])
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

  test.each(['text', 'activity', 'toolCall'] as const)('never follow a first %s', async (type) => {
    const call = startCall()
    const scripted = await call.next()
    if (type === 'text') scripted.text('a')
    else if (type === 'activity') scripted.activity()
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
    expect(call.heard).toEqual(['a'])
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

function startCall({ hangsOnAbort = false, aborted }: { hangsOnAbort?: boolean; aborted?: Error } = {}) {
  const model = createScriptedModel({ hangsOnAbort })
  const request = { messages: [{ role: 'user', content: 'Hello' }], cacheKey: 'conv_1' }
  const controller = new AbortController()
  if (aborted !== undefined) controller.abort(aborted)
  const heard: (string | ToolCallPart)[] = []
  let isSettled = false
  const listener = { onText: (text: string) => heard.push(text), onToolCall: (part: ToolCallPart) => heard.push(part) }
  const end = callModel(model, request, TIMEOUTS, listener, controller.signal)
    .catch((error: unknown) => error)
    .finally(() => {
      isSettled = true
    })
  return {
    model,
    request,
    heard,
    end,
    isSettled: () => isSettled,
    next: () => model.nextCall(),
    abort: (reason: Error) => controller.abort(reason),
  }
}

function rateLimited(retryAfterMs: number): ModelError {
  return new ModelError('MODEL_RATE_LIMITED', 'Slow down.', { retryable: true, retryAfterMs })
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}
