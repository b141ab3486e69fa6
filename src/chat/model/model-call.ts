import type { FinishReason, ToolCallPart, Usage } from '../../memory/message.ts'
import {
  type ChatModel,
  type ModelAnswer,
  ModelError,
  type ModelEvent,
  type ModelListener,
  type ModelRequest,
  type ModelTimeouts,
} from './chat-model.ts'
import { createTextJoiner } from './text-joiner.ts'

const MAX_RETRIES = 2
/** The first wait is up to this long, each further one twice as long. */
const BACKOFF_MS = 500
/** With its finish reason an answer is whole; only its usage may follow, which is not worth a longer wait. */
const USAGE_WAIT_MS = 2_000

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
      const answer = await attemptModel(model, request, left, attemptListener, signal)
      model.onOutcome?.()
      return answer
    } catch (error) {
      if (!signal.aborted && error instanceof ModelError) model.onOutcome?.(error)
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

/** What one attempt calls back. */
interface AttemptListener extends ModelListener {
  /** The model has begun to answer: from here on a failure cannot be tried again unseen. */
  onBegin(): void
}

/**
 * Calls a model once. Rejects at once, with a ModelError or `signal.reason`, when a timer or `signal` fires: the
 * model gets a signal and is never awaited, since an iterator that hangs would not answer a `return()` either.
 */
async function attemptModel(
  model: ChatModel,
  request: ModelRequest,
  timeouts: ModelTimeouts,
  listener: AttemptListener,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  signal.throwIfAborted()
  const controller = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<ModelAnswer>()
  const answer = createAnswer(timeouts, listener, () => {
    if (answer.isFinished()) resolve(answer.conclude())
    else reject(answer.timeoutError())
    controller.abort()
  })
  const abort = () => {
    reject(signal.reason)
    controller.abort(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    consume(model.stream(request, controller.signal), answer, controller.signal).then(resolve, reject)
    return await promise
  } finally {
    answer.stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

interface Answer {
  add(event: ModelEvent): void
  isFinished(): boolean
  /** The whole answer; throws when the model gave no finish reason. */
  conclude(): ModelAnswer
  timeoutError(): ModelError
  stopTimer(): void
}

async function consume(events: AsyncIterable<ModelEvent>, answer: Answer, signal: AbortSignal): Promise<ModelAnswer> {
  try {
    for await (const event of events) {
      // The caller has its answer or its error by now, and gets no further event.
      if (signal.aborted) break
      answer.add(event)
    }
  } catch (error) {
    if (signal.aborted || !answer.isFinished()) throw error
  }
  signal.throwIfAborted()
  return answer.conclude()
}

function createAnswer(
  { firstTokenMs, idleMs }: ModelTimeouts,
  listener: AttemptListener,
  onTimeout: () => void,
): Answer {
  const joiner = createTextJoiner((text) => listener.onText(text))
  let timer = setTimeout(onTimeout, firstTokenMs)
  let hasBegun = false
  let finishReason: FinishReason | undefined
  let usage: Usage | undefined

  function restartTimer(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(onTimeout, ms)
  }

  /** Every event that comes of a token: the first one ends the first timer, later ones restart the second. */
  function noteToken(): void {
    if (hasBegun) return void timer.refresh()
    hasBegun = true
    restartTimer(idleMs)
    listener.onBegin()
  }

  function add(event: ModelEvent): void {
    if (event.type === 'usage') usage = event.usage
    else if (event.type === 'text') addText(event.text)
    else noteToken()
    if (event.type === 'toolCall') {
      joiner.flush()
      listener.onToolCall(event.part)
    } else if (event.type === 'finish') {
      // Some servers repeat it with the usage.
      finishReason ??= event.reason
      restartTimer(Math.min(idleMs, USAGE_WAIT_MS))
    }
  }

  function addText(text: string): void {
    if (text === '') return
    noteToken()
    joiner.push(text)
  }

  function conclude(): ModelAnswer {
    if (finishReason === undefined) {
      throw new ModelError('MODEL_STREAM_BROKEN', 'The model stopped before its answer was finished.', {
        retryable: true,
      })
    }
    joiner.flush()
    return { finishReason, usage }
  }

  function timeoutError(): ModelError {
    const detail = hasBegun
      ? `The model fell silent for ${idleMs} ms in the middle of its answer.`
      : 'The model did not begin to answer in time.'
    return new ModelError('MODEL_TIMEOUT', detail, { retryable: true })
  }

  return {
    add,
    isFinished: () => finishReason !== undefined,
    conclude,
    timeoutError,
    stopTimer: () => clearTimeout(timer),
  }
}
