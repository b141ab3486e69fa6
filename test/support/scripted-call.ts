import { vi } from 'vitest'
import { ModelError } from '../../src/chat/model/chat-model.ts'
import { callModel } from '../../src/chat/model/model-call.ts'
import type { DataPart, ToolCallPart } from '../../src/memory/message.ts'
import { createListener } from './openai-scripts.ts'
import { createScriptedModel } from './scripted-model.ts'

/** For fake timers. */
export const TIMEOUTS = { firstTokenMs: 10_000, idleMs: 3_000 }
/** A tool call like any other. */
export const TOOL_CALL: ToolCallPart = {
  type: 'toolCall',
  toolCallId: 'call_1',
  toolName: 'search',
  arguments: '{"q":"x"}',
}

/** A call of the scripted model, what its listener received, and its end: the answer or the error. */
export function startCall({ hangsOnAbort = false, aborted }: { hangsOnAbort?: boolean; aborted?: Error } = {}) {
  const model = createScriptedModel({ hangsOnAbort })
  const request = { messages: [{ role: 'user', content: 'Hello' }], cacheKey: 'conv_1' }
  const controller = new AbortController()
  if (aborted !== undefined) controller.abort(aborted)
  const received: (string | ToolCallPart | DataPart)[] = []
  let isSettled = false
  const listener = createListener((said) => void received.push(said))
  const end = callModel(model, request, TIMEOUTS, listener, controller.signal)
    .catch((error: unknown) => error)
    .finally(() => {
      isSettled = true
    })
  return {
    model,
    request,
    received,
    end,
    isSettled: () => isSettled,
    next: () => model.nextCall(),
    abort: (reason: Error) => controller.abort(reason),
  }
}

/** A provider that asks to wait. */
export function rateLimited(retryAfterMs: number): ModelError {
  return new ModelError('MODEL_RATE_LIMITED', 'Slow down.', { retryable: true, retryAfterMs })
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}
