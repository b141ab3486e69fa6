import type { ToolCallPart } from '../../memory/message.ts'
import type { ModelAnswer, ModelListener, ModelTimeouts } from './chat-model.ts'
import { type ChatModel, ModelError, type ModelRequest } from './chat-model.ts'
import { attemptModel } from './model-attempt.ts'

const MAX_RETRIES = 2
/** The first wait is up to this long, each further one twice as long. */
const BACKOFF_MS = 500

/**
 * Calls a model to its end: with timers for the first token and between tokens, retries before the
 * first token only (honouring Retry-After), half characters joined, and a finish reason demanded.
 * Throws ModelError; when `signal` aborts, `signal.reason`, at once, also when the model hangs.
 *
 * Retries are our own: p-retry has no wait that an error decides, cockatiel none that an abort ends.
 */
export async function callModel(
  model: ChatModel,
  request: ModelRequest,
  timeouts: ModelTimeouts,
  listener: ModelListener,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const deadline = performance.now() + timeouts.firstTokenMs
  let hasBegun = false
  const attemptListener = {
    onText: (text: string) => listener.onText(text),
    onToolCall: (part: ToolCallPart) => listener.onToolCall(part),
    onBegin: () => {
      hasBegun = true
    },
  }
  for (let retries = 0; ; retries += 1) {
    const left = { ...timeouts, firstTokenMs: deadline - performance.now() }
    try {
      return await attemptModel(model, request, left, attemptListener, signal)
    } catch (error) {
      if (hasBegun || signal.aborted || retries === MAX_RETRIES || !isTransient(error)) throw error
      const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs(retries))
      // Waiting on would end in a timeout: the error, with what the provider asks for, says more.
      if (waitMs >= deadline - performance.now()) throw error
      await wait(waitMs, signal)
    }
  }
}

/** Whether the provider did not take this request, but may take the same one soon. */
function isTransient(error: unknown): error is ModelError {
  if (!(error instanceof ModelError) || !error.retryable) return false
  return error.code === 'MODEL_UNAVAILABLE' || error.code === 'MODEL_RATE_LIMITED'
}

/** Exponential, between half and all of it, so that callers who failed together do not return together. */
function backoffMs(retries: number): number {
  return BACKOFF_MS * 2 ** retries * (0.5 + Math.random() / 2)
}

/** By the global timer, which tests can hold: that of node:timers/promises they cannot. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal.reason)
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
