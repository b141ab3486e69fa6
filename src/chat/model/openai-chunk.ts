import { z } from 'zod'
import type { FinishReason, Usage } from '../../memory/message.ts'

const text = z.string().nullish().catch(undefined)
const tokens = z.number().int().nonnegative()

/** Some servers give the arguments as the object itself. */
const argumentsText = z.unknown().transform((given) => {
  return typeof given === 'string' || given == null ? given : JSON.stringify(given)
})
const functionDelta = z.object({ name: text, arguments: argumentsText }).nullish()
const toolCallDelta = z.object({ index: z.number().nullish().catch(undefined), id: text, function: functionDelta })

const choice = z.object({
  index: z.number().nullish(),
  delta: z
    .object({
      content: text,
      refusal: text,
      // Not OpenAI's: what other servers call the reasoning that they show.
      reasoning_content: text,
      reasoning: text,
      tool_calls: z.array(toolCallDelta).nullish(),
      function_call: functionDelta,
    })
    .nullish(),
  finish_reason: text,
})

const usage = z.object({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  prompt_tokens_details: z.object({ cached_tokens: tokens.nullish() }).nullish().catch(undefined),
  completion_tokens_details: z.object({ reasoning_tokens: tokens.nullish() }).nullish().catch(undefined),
})

const chunk = z.object({
  choices: z.array(choice).nullish(),
  usage: usage.nullish().catch(undefined),
})

/** What is read of an event. */
export type OpenAiChunk = z.infer<typeof chunk>
/** What is read of a choice. */
export type OpenAiChoice = z.infer<typeof choice>

/** One event of a chat completions stream, of which everything may be missing; throws on another shape. */
export function decodeChunk(data: unknown): OpenAiChunk {
  return chunk.parse(data)
}

const FINISH_REASONS: Record<string, FinishReason> = {
  stop: 'STOP',
  length: 'LENGTH',
  tool_calls: 'TOOL_CALLS',
  function_call: 'TOOL_CALLS',
  content_filter: 'CONTENT_FILTER',
}

/** How some servers say that they broke off: no end of an answer. */
const BROKEN_OFF = new Set(['error', 'abort', 'cancelled'])

/**
 * The finish reason, if the model has finished. A word that we do not know is STOP: servers have their own
 * ("eos", "end_turn"), all for an end that the model chose, and failing would throw a whole answer away.
 */
export function finishReasonOf({ finish_reason: reason }: OpenAiChoice): FinishReason | undefined {
  if (!reason || BROKEN_OFF.has(reason)) return undefined
  return FINISH_REASONS[reason] ?? 'STOP'
}

/** The provider's own numbers. */
export function usageOf({ usage: given }: OpenAiChunk): Usage | undefined {
  if (!given) return undefined
  const cachedPromptTokens = given.prompt_tokens_details?.cached_tokens
  const reasoningTokens = given.completion_tokens_details?.reasoning_tokens
  return {
    promptTokens: given.prompt_tokens,
    completionTokens: given.completion_tokens,
    ...(cachedPromptTokens != null && { cachedPromptTokens }),
    ...(reasoningTokens != null && { reasoningTokens }),
    estimated: false,
  }
}
