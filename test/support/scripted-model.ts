import type { ChatModel, ModelEvent, ModelRequest } from '../../src/chat/model/chat-model.ts'
import type { FinishReason, ToolCallPart, Usage } from '../../src/memory/message.ts'

/** One call of the scripted model; what the test says is what the caller hears, in that order. */
export interface ScriptedCall {
  readonly request: ModelRequest
  /** The signal that the caller gave: `call.signal.aborted` tells whether the call was stopped. */
  readonly signal: AbortSignal
  text(text: string): void
  /** Work on something that comes whole later. */
  activity(): void
  toolCall(part: ToolCallPart): void
  usage(usage: Usage): void
  finish(reason?: FinishReason): void
  /** The stream throws this, after what was said before. */
  fail(error: unknown): void
  /** The stream ends; without `finish` before it, it is a broken one. */
  end(): void
  /** A whole answer: the text, a finish reason, the end. */
  answer(text: string): void
}

export interface ScriptedModel extends ChatModel {
  /** Every call so far, in order. */
  readonly calls: readonly ScriptedCall[]
  /** The first call that no `nextCall` has returned yet; waits for it. */
  nextCall(): Promise<ScriptedCall>
}

/**
 * A model that moves when the test says so, and needs no time. A call that was aborted throws the reason at
 * once and hears nothing more; with `hangsOnAbort` it ignores the abort, as a broken adapter would.
 */
export function createScriptedModel({
  defaultModel = 'scripted',
  hangsOnAbort = false,
}: {
  defaultModel?: string
  hangsOnAbort?: boolean
} = {}): ScriptedModel {
  const calls: ScriptedCall[] = []
  const waiting: ((call: ScriptedCall) => void)[] = []
  let taken = 0

  function announce(call: ScriptedCall): void {
    calls.push(call)
    const taker = waiting.shift()
    if (taker !== undefined) {
      taken += 1
      taker(call)
    }
  }

  return {
    defaultModel,
    calls,
    nextCall: () => {
      const call = calls[taken]
      if (call === undefined) return new Promise((resolve) => waiting.push(resolve))
      taken += 1
      return Promise.resolve(call)
    },
    async *stream(request, signal) {
      const { call, steps } = createCall(request, signal, hangsOnAbort)
      announce(call)
      // A step that fails is thrown when its turn comes: an errored stream would forget what was said before.
      for await (const step of steps) yield step()
    },
  }
}

type Step = () => ModelEvent

function createCall(
  request: ModelRequest,
  signal: AbortSignal,
  hangsOnAbort: boolean,
): { call: ScriptedCall; steps: ReadableStream<Step> } {
  let controller: ReadableStreamDefaultController<Step> | undefined
  const steps = new ReadableStream<Step>({
    start: (started) => {
      controller = started
      if (hangsOnAbort) return
      if (signal.aborted) started.error(signal.reason)
      signal.addEventListener('abort', () => started.error(signal.reason), { once: true })
    },
  })
  const isOver = () => signal.aborted && !hangsOnAbort
  const emit = (step: Step) => isOver() || controller?.enqueue(step)
  const end = () => void (isOver() || controller?.close())
  const call: ScriptedCall = {
    request,
    signal,
    text: (text) => void emit(() => ({ type: 'text', text })),
    activity: () => void emit(() => ({ type: 'activity' })),
    toolCall: (part) => void emit(() => ({ type: 'toolCall', part })),
    usage: (usage) => void emit(() => ({ type: 'usage', usage })),
    finish: (reason = 'STOP') => void emit(() => ({ type: 'finish', reason })),
    fail: (error) =>
      void emit(() => {
        throw error
      }),
    end,
    answer: (text) => {
      call.text(text)
      call.finish()
      call.end()
    },
  }
  return { call, steps }
}
