import type { OpenAI } from 'openai'
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ChatModel, ModelEvent, ModelRequest } from './chat-model.ts'
import { finishReasonOf, type OpenAiChunk, usageOf } from './openai-chunk.ts'
import { refusalText, toCallError, toStreamError } from './openai-error.ts'
import { readOpenAiEvents } from './openai-events.ts'
import { fetchWithErrorText } from './openai-fetch.ts'
import { createToolCallAssembly, type ToolCallAssembly } from './tool-call-assembly.ts'

/** Which server, and which of its models. */
export interface OpenAiModelOptions {
  /** None is sent when absent, as local servers want it. */
  apiKey?: string
  /** OpenAI's own when absent; any server of the chat completions API serves. */
  baseUrl?: string
  /** The default model. */
  model: string
}

/** What a server may refuse to know, and what we can do without. */
const OPTIONAL_FIELDS = ['stream_options', 'prompt_cache_key', 'max_tokens', 'max_completion_tokens'] as const

/** A field that a server may refuse. */
type OptionalField = (typeof OPTIONAL_FIELDS)[number]

/** The longest that timers can. */
const NO_TIMEOUT_MS = 2 ** 31 - 1

/**
 * A model behind a chat completions API, through OpenAI's SDK. Loads the SDK on the first call, which takes
 * 110 ms and 36 MB. Fields that a server refuses to know are left out from then on.
 */
export function createOpenAiModel(options: OpenAiModelOptions): ChatModel {
  const { apiKey, baseUrl, model } = options
  // OpenAI's newer models refuse the old name, other servers may overlook the new one.
  const limitField = baseUrl === undefined ? 'max_completion_tokens' : 'max_tokens'
  const refused = new Set<OptionalField>()
  let loading: Promise<OpenAI> | undefined

  async function open(request: ModelRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    loading ??= loadClient(options)
    const client = await loading
    const left = new Set(refused)
    for (;;) {
      const body = createRequestBody({ ...request, model: request.model ?? model }, limitField, left)
      try {
        const response = await client.chat.completions.create(body, { signal }).asResponse()
        // Only now: the words of a refusal that stays may have meant something else.
        for (const field of left) refused.add(field)
        return response.body ?? new Blob().stream()
      } catch (error) {
        const text = refusalText(error)
        const fields = OPTIONAL_FIELDS.filter((field) => field in body && !left.has(field) && text.includes(field))
        if (fields.length === 0) throw toCallError(error, apiKey)
        for (const field of fields) left.add(field)
      }
    }
  }

  return {
    defaultModel: model,
    async *stream(request, signal) {
      const body = await open(request, signal)
      const toolCalls = createToolCallAssembly()
      let hasBegun = false
      try {
        for await (const chunks of readOpenAiEvents(body)) {
          for (const event of eventsOf(chunks, toolCalls)) {
            hasBegun = true
            yield event
          }
        }
      } catch (error) {
        signal.throwIfAborted()
        throw toStreamError(error, hasBegun, apiKey)
      }
    },
  }
}

async function loadClient({ apiKey, baseUrl }: OpenAiModelOptions): Promise<OpenAI> {
  const { OpenAI } = await import('openai')
  return new OpenAI({
    // Null, or the SDK would look into the environment.
    baseURL: baseUrl ?? null,
    apiKey: apiKey ?? 'none',
    ...(apiKey === undefined && { defaultHeaders: { Authorization: null } }),
    fetch: fetchWithErrorText,
    // Retries and timers are the caller's.
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    // It would write what it cannot parse to the console.
    logLevel: 'off',
  })
}

function eventsOf(chunks: readonly OpenAiChunk[], toolCalls: ToolCallAssembly): ModelEvent[] {
  const events: ModelEvent[] = []
  for (const chunk of chunks) {
    const choice = chunk.choices?.find(({ index }) => !index)
    const { content, refusal, reasoning_content, reasoning, tool_calls, function_call } = choice?.delta ?? {}
    const deltas = tool_calls ?? (function_call ? [{ function: function_call }] : [])
    for (const delta of deltas) toolCalls.add(delta)
    // A refusal is what the model says instead.
    const text = content || refusal
    if (text) addText(events, text)
    else if (reasoning_content || reasoning || deltas.length > 0) events.push({ type: 'activity' })
    const reason = choice && finishReasonOf(choice)
    if (reason !== undefined) {
      const parts = toolCalls.finish(reason)
      for (const part of parts) events.push({ type: 'toolCall', part })
      // Some servers say "stop" also when they wait for the results of calls.
      events.push({ type: 'finish', reason: reason === 'STOP' && parts.length > 0 ? 'TOOL_CALLS' : reason })
    }
    const usage = usageOf(chunk)
    if (usage !== undefined) events.push({ type: 'usage', usage })
  }
  return events
}

/** Texts that came at once are told at once: each event of its own would wake all who listen. */
function addText(events: ModelEvent[], text: string): void {
  const last = events.at(-1)
  if (last?.type === 'text') last.text += text
  else events.push({ type: 'text', text })
}

/**
 * The body of a chat completions call without the refused fields. A limit has two names: `limitField` is
 * the one to try first, the other one takes over when that is refused.
 */
function createRequestBody(
  { model, messages, maxReplyTokens, options, cacheKey }: ModelRequest & { model: string },
  limitField: 'max_tokens' | 'max_completion_tokens',
  refused: ReadonlySet<OptionalField>,
): ChatCompletionCreateParamsStreaming {
  const otherLimitField = limitField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const limitName = refused.has(limitField) ? otherLimitField : limitField
  const body = {
    ...options,
    model,
    messages,
    stream: true,
    ...(!refused.has('stream_options') && { stream_options: { include_usage: true } }),
    ...(!refused.has('prompt_cache_key') && { prompt_cache_key: cacheKey }),
    ...(maxReplyTokens !== undefined && !refused.has(limitName) && { [limitName]: maxReplyTokens }),
  }
  // Messages and options are the caller's: the provider judges them, not our types.
  return body as unknown as ChatCompletionCreateParamsStreaming
}
