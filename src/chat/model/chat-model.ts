import type { DataPart, FinishReason, Json, ToolCallPart, Usage } from '../../memory/message.ts'

/** One request to a model. `messages` are those of a chat completions API, instructions first. */
export interface ModelRequest {
  /** The provider's name of the model; the adapter's default when absent. */
  model?: string
  messages: Json[]
  maxReplyTokens?: number
  /** Passed on as they are (temperature, tools, …); what Backscroll sets itself wins. */
  options?: { [key: string]: Json }
  /** Calls that share a prompt's beginning share this; sent as `prompt_cache_key`. */
  cacheKey: string
}

/** What a model's stream yields, in its order. */
export type ModelEvent =
  | { type: 'text'; text: string }
  /** What the model thinks, as it shows it. */
  | { type: 'reasoning'; text: string }
  /** A sign of life: the server is there, or the model is at work on what comes whole later. */
  | { type: 'activity' }
  /** A whole tool call; it comes when the model has finished it. */
  | { type: 'toolCall'; part: ToolCallPart }
  /** Content that has no form of its own. */
  | { type: 'part'; part: DataPart }
  /** What the provider wants back with the message, by its own names. */
  | { type: 'state'; state: { [field: string]: Json } }
  /** The provider's own numbers; the last count. */
  | { type: 'usage'; usage: Usage }
  /** More may follow; of several the last counts. */
  | { type: 'finish'; reason: FinishReason }

/** Why a model call failed. */
export type ModelErrorCode =
  /** No first token, or no further token, in time. */
  | 'MODEL_TIMEOUT'
  /** The provider cannot be reached, or says that it is at fault (5xx). */
  | 'MODEL_UNAVAILABLE'
  /** The provider says to wait (429). */
  | 'MODEL_RATE_LIMITED'
  /** The provider refuses this request (4xx). */
  | 'MODEL_REJECTED'
  /** The stream broke off, was no stream, or ended without a finish reason. */
  | 'MODEL_STREAM_BROKEN'

/** A model call that failed. `detail` is fit for clients: no key, URL or stack in it. */
export class ModelError extends Error {
  readonly code: ModelErrorCode
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  constructor(
    code: ModelErrorCode,
    detail: string,
    options: { retryable: boolean; retryAfterMs?: number; cause?: unknown },
  ) {
    super(detail, { cause: options.cause })
    this.name = 'ModelError'
    this.code = code
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs
  }
}

/** One call of a language model: an adapter knows its provider's wire, and nothing of retries or timers. */
export interface ChatModel {
  readonly defaultModel: string
  /** A short name without a secret, the same after a restart: what a provider wants back goes to it alone. */
  readonly provider?: string
  /**
   * Yields what comes, as it comes. Throws ModelError; after an abort it throws too, whatever it is.
   * A clean end without a finish event is possible: the caller judges it.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>
  /** Called at the end of every attempt that nobody aborted, with its error if it failed. */
  onOutcome?(error?: ModelError): void
}

/** How long a model may be silent, in milliseconds. */
export interface ModelTimeouts {
  /** For the whole time up to the first token, retries and the waits between them included. */
  firstTokenMs: number
  idleMs: number
}

/** What is called back while a model answers. */
export interface ModelListener {
  /** Never half of a surrogate pair. */
  onText(text: string): void
  /** The same for what the model thinks. */
  onReasoning(text: string): void
  onPart(part: ToolCallPart | DataPart): void
  onState(state: { [field: string]: Json }): void
}

/** How a model's answer ended. */
export interface ModelAnswer {
  finishReason: FinishReason
  /** The provider's; undefined when it gave none. */
  usage: Usage | undefined
}
