import { createHash } from 'node:crypto'
import type { OpenAI } from 'openai'
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ChatModel, ModelRequest } from './chat-model.ts'
import { toModelError, unreachable } from './openai-error.ts'
import { type Fetch, fetchWithError, refusalOf } from './openai-fetch.ts'
import { createServerRules } from './server-rules.ts'
import { readAnswer } from './wire/read-answer.ts'

/** Which server, and which of its models. */
export interface OpenAiModelOptions {
  /** None is sent when absent, as local servers want it. */
  apiKey?: string
  /** OpenAI's own when absent; any server of the chat completions API serves. */
  baseUrl?: string
  /** The default model. */
  model: string
  /** How requests are sent; the platform's own when absent. */
  fetch?: Fetch
}

/** The longest that timers can. */
const NO_TIMEOUT_MS = 2 ** 31 - 1

/**
 * A model behind a chat completions API, through OpenAI's SDK. Loads the SDK on the first call, which takes
 * 110 ms and 36 MB. What a server refuses of a request is avoided in the next try, and from then on.
 */
export function createOpenAiModel(options: OpenAiModelOptions): ChatModel {
  const { apiKey, baseUrl, model } = options
  const rules = createServerRules(baseUrl)
  const provider = createHash('sha256')
    .update(baseUrl ?? '')
    .digest('hex')
    .slice(0, 8)
  let loading: Promise<OpenAI> | undefined

  async function open(request: ModelRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    loading ??= loadClient(options)
    const client = await loading
    const attempt = rules.begin({ ...request, model: request.model ?? model })
    for (;;) {
      // Messages and options are the caller's: the provider judges them, not the SDK's types.
      const body = attempt.body as unknown as ChatCompletionCreateParamsStreaming
      try {
        const response = await client.chat.completions.create(body, { signal }).asResponse()
        // Only now: the words of a refusal that stays may have meant something else.
        attempt.succeed()
        return response.body ?? new Blob().stream()
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal === undefined) throw unreachable(error)
        if (!attempt.avoid(refusal.error)) throw toModelError(refusal, apiKey)
      }
    }
  }

  return {
    defaultModel: model,
    provider,
    async *stream(request, signal) {
      const body = await open(request, signal)
      try {
        for await (const events of readAnswer(body, { apiKey, provider })) yield* events
      } catch (error) {
        signal.throwIfAborted()
        throw error
      }
    },
  }
}

async function loadClient({ apiKey, baseUrl, fetch: send }: OpenAiModelOptions): Promise<OpenAI> {
  const { OpenAI } = await import('openai')
  return new OpenAI({
    // Null, or the SDK would look into the environment.
    baseURL: baseUrl ?? null,
    apiKey: apiKey ?? 'none',
    ...(apiKey === undefined && { defaultHeaders: { Authorization: null } }),
    fetch: (input, init) => fetchWithError(input, init, send),
    // Retries and timers are the caller's.
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    // It would write what it cannot parse to the console.
    logLevel: 'off',
  })
}
