import type { FinishReason, Usage } from '../../memory/message.ts'
import type { ModelAnswer, ModelListener, ModelTimeouts } from './chat-model.ts'
import { type ChatModel, ModelError, type ModelEvent, type ModelRequest } from './chat-model.ts'
import { createTextJoiner } from './text-joiner.ts'

/** With its finish reason an answer is whole; only its usage may follow, which is not worth a longer wait. */
const USAGE_WAIT_MS = 2_000

/** Hears one attempt. */
export interface AttemptListener extends ModelListener {
  /** The model has begun to answer: from here on a failure cannot be tried again unseen. */
  onBegin(): void
}

/**
 * Asks a model once. Rejects at once when a timer or `signal` says so: the model is told by a signal and
 * never waited for, since an iterator that hangs would not answer a `return()` either.
 */
export async function attemptModel(
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
    hear(model.stream(request, controller.signal), answer, controller.signal).then(resolve, reject)
    return await promise
  } finally {
    answer.stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

interface Answer {
  take(event: ModelEvent): void
  isFinished(): boolean
  /** The whole answer; throws when the model gave no finish reason. */
  conclude(): ModelAnswer
  timeoutError(): ModelError
  stopTimer(): void
}

async function hear(events: AsyncIterable<ModelEvent>, answer: Answer, signal: AbortSignal): Promise<ModelAnswer> {
  try {
    for await (const event of events) {
      // Whoever called has its answer or its error by now, and must hear nothing more.
      if (signal.aborted) break
      answer.take(event)
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

  return {
    take: (event) => {
      switch (event.type) {
        case 'text':
          if (event.text === '') return
          noteToken()
          return joiner.push(event.text)
        case 'activity':
          return noteToken()
        case 'toolCall':
          noteToken()
          joiner.flush()
          return listener.onToolCall(event.part)
        case 'usage':
          usage = event.usage
          return
        case 'finish':
          noteToken()
          // Some servers say it again with the usage.
          finishReason ??= event.reason
          return restartTimer(Math.min(idleMs, USAGE_WAIT_MS))
      }
    },
    isFinished: () => finishReason !== undefined,
    conclude: () => {
      if (finishReason === undefined) {
        throw new ModelError('MODEL_STREAM_BROKEN', 'The model stopped before its answer was finished.', {
          retryable: true,
        })
      }
      joiner.flush()
      return { finishReason, usage }
    },
    timeoutError: () => {
      const detail = hasBegun
        ? `The model fell silent for ${idleMs} ms in the middle of its answer.`
        : 'The model did not begin to answer in time.'
      return new ModelError('MODEL_TIMEOUT', detail, { retryable: true })
    },
    stopTimer: () => clearTimeout(timer),
  }
}
