import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ModelRequest } from './chat-model.ts'

/** What a server may refuse to know, and what we can do without. */
export const OPTIONAL_FIELDS = ['stream_options', 'prompt_cache_key', 'max_tokens', 'max_completion_tokens'] as const

/** A field that a server may refuse. */
export type OptionalField = (typeof OPTIONAL_FIELDS)[number]

/**
 * The body of a chat completions call without the refused fields. A limit has two names: `limitField` is
 * the one to try first, the other one takes over when that is refused.
 */
export function createRequestBody(
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
