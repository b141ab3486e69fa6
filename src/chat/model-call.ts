import type { FinishReason, ToolCallPart, Usage } from '../memory/message.ts'
import type { ChatModel, ModelRequest } from './chat-model.ts'

export interface ModelTimeouts {
  firstTokenMs: number
  idleMs: number
}

export interface ModelListener {
  /** Never half of a surrogate pair. */
  onText(text: string): void
  onToolCall(part: ToolCallPart): void
}

export interface ModelAnswer {
  finishReason: FinishReason
  /** The provider's; undefined when it gave none. */
  usage: Usage | undefined
}

/**
 * Calls a model to its end: with timers for the first token and between tokens, retries before the
 * first token only (honouring Retry-After), half characters joined, and a finish reason demanded.
 * Throws ModelError; when `signal` aborts, `signal.reason`, at once, also when the model hangs.
 */
export async function callModel(
  model: ChatModel,
  request: ModelRequest,
  timeouts: ModelTimeouts,
  listener: ModelListener,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  throw new Error(`not yet: ${[model, request, timeouts, listener, signal].length}`)
}
