import type { FinishReason, Usage } from '../../memory/message.ts'
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
  let deadline = performance.now() + timeouts.firstTokenMs
  let isShown = false
  const hooks = {
    onShown: () => {
      isShown = true
    },
    // The provider says that it is at work, for instance that the request waits: that is no silence.
    onAlive: () => {
      deadline = performance.now() + timeouts.firstTokenMs
    },
  }
  for (let retries = 0; ; retries += 1) {
    const leftMs = deadline - performance.now()
    try {
      const answer = await attemptModel(model, request, { ...timeouts, leftMs }, listener, hooks, signal)
      model.onOutcome?.()
      return answer
    } catch (error) {
      if (!signal.aborted && error instanceof ModelError) model.onOutcome?.(error)
      if (isShown || signal.aborted || retries === MAX_RETRIES || !isTransient(error)) throw error
      const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs(retries))
      // Waiting on would end in a timeout: the error, with what the provider asks for, says more.
      if (waitMs >= deadline - performance.now()) throw error
      await wait(waitMs, signal)
    }
  }
}

/** Whether the provider did not take this request, or gave nothing for it, but may take the same one soon. */
function isTransient(error: unknown): error is ModelError {
  return error instanceof ModelError && error.retryable && error.code !== 'MODEL_TIMEOUT'
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

/** `leftMs` is what is left for the first token, unless the model shows that it lives. */
interface AttemptTimeouts extends ModelTimeouts {
  leftMs: number
}

/** What one attempt tells besides its answer. */
interface AttemptHooks {
  /** Something was passed on: from here on a failure cannot be tried again unseen. */
  onShown(): void
  /** A sign of life before that. */
  onAlive(): void
}

/**
 * Calls a model once. Rejects at once, with a ModelError or `signal.reason`, when a timer or `signal` fires: the
 * model gets a signal and is never awaited, since an iterator that hangs would not answer a `return()` either.
 */
async function attemptModel(
  model: ChatModel,
  request: ModelRequest,
  timeouts: AttemptTimeouts,
  listener: ModelListener,
  hooks: AttemptHooks,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  signal.throwIfAborted()
  const controller = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<ModelAnswer>()
  const answer = createAnswer(timeouts, listener, hooks, () => {
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
  { leftMs, firstTokenMs, idleMs }: AttemptTimeouts,
  listener: ModelListener,
  hooks: AttemptHooks,
  onTimeout: () => void,
): Answer {
  const text = createTextJoiner((joined) => listener.onText(joined))
  const reasoning = createTextJoiner((joined) => listener.onReasoning(joined))
  let timer = setTimeout(onTimeout, leftMs)
  let isShown = false
  let finishReason: FinishReason | undefined
  let usage: Usage | undefined

  function restartTimer(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(onTimeout, ms)
  }

  /** Whatever is passed on: the first of it ends the first timer, what follows restarts the second. */
  function noteShown(): void {
    if (isShown) return void timer.refresh()
    isShown = true
    restartTimer(idleMs)
    hooks.onShown()
  }

  /** Behind the finish reason only usage is waited for, however alive the server is. */
  function noteAlive(): void {
    if (finishReason !== undefined) return
    if (isShown) return void timer.refresh()
    restartTimer(firstTokenMs)
    hooks.onAlive()
  }

  function add(event: ModelEvent): void {
    if (event.type === 'text' || event.type === 'reasoning') addText(event)
    else if (event.type === 'activity') noteAlive()
    else if (event.type === 'usage') usage = event.usage
    else if (event.type === 'state') listener.onState(event.state)
    else {
      noteShown()
      if (event.type === 'finish') finish(event.reason)
      else addPart(event.part)
    }
  }

  function addText({ type, text: added }: Extract<ModelEvent, { text: string }>): void {
    if (added === '') return
    noteShown()
    if (type === 'text') {
      reasoning.flush()
      text.push(added)
    } else {
      text.flush()
      reasoning.push(added)
    }
  }

  function addPart(part: Parameters<ModelListener['onPart']>[0]): void {
    flush()
    listener.onPart(part)
  }

  function finish(reason: FinishReason): void {
    if (finishReason === undefined) restartTimer(Math.min(idleMs, USAGE_WAIT_MS))
    finishReason = reason
  }

  function flush(): void {
    reasoning.flush()
    text.flush()
  }

  function conclude(): ModelAnswer {
    if (finishReason === undefined) {
      throw new ModelError('MODEL_STREAM_BROKEN', 'The model stopped before its answer was finished.', {
        retryable: true,
      })
    }
    flush()
    return { finishReason, usage }
  }

  function timeoutError(): ModelError {
    const detail = isShown
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
