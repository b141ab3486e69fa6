import type { Usage } from '../../../../memory/message.ts'
import type { NamedDialect } from './dialect.ts'

/** The numbers of an answer. */
export type UsageNumber = keyof Omit<Usage, 'estimated'>

/** Where the numbers stand, in an event or in its choice. */
export const USAGE_PLACES: readonly NamedDialect<'usage'>[] = [
  {
    names: ['usage'],
    odd: 'Beside the choices, or within one; in the last event, in one of its own, or growing in every event.',
    seen: ['OpenAI', 'Kimi'],
    reads: 'usage',
    cases: ['C13.a', 'C13.b', 'C13.d'],
  },
  { names: ['x_groq.usage'], odd: 'In a field of the provider.', seen: ['Groq'], reads: 'usage', cases: ['C13.h'] },
  {
    names: ['usageMetadata', 'usage_metadata'],
    odd: 'By the name that the native API has for it.',
    seen: ['Gemini'],
    reads: 'usage',
    cases: ['D02.b'],
  },
]

/** By what names. */
export const USAGE_NUMBERS: readonly NamedDialect<UsageNumber>[] = [
  {
    names: ['prompt_tokens'],
    odd: 'The name of the API itself.',
    seen: ['OpenAI'],
    reads: 'promptTokens',
    cases: ['C13.b'],
  },
  {
    names: ['completion_tokens'],
    odd: 'The name of the API itself.',
    seen: ['OpenAI'],
    reads: 'completionTokens',
    cases: ['C13.b'],
  },
  {
    names: ['prompt_tokens_details.cached_tokens'],
    odd: 'The name of the API itself.',
    seen: ['OpenAI'],
    reads: 'cachedPromptTokens',
    cases: ['D02.a'],
  },
  {
    names: ['completion_tokens_details.reasoning_tokens'],
    odd: 'The name of the API itself.',
    seen: ['OpenAI'],
    reads: 'reasoningTokens',
    cases: ['D02.a'],
  },
  {
    names: ['input_tokens'],
    odd: 'The name of another API.',
    seen: ['Claude', 'OpenAI'],
    reads: 'promptTokens',
    cases: ['D02.c'],
  },
  {
    names: ['output_tokens'],
    odd: 'The name of another API.',
    seen: ['Claude', 'OpenAI'],
    reads: 'completionTokens',
    cases: ['D02.c'],
  },
  {
    names: ['input_tokens_details.cached_tokens', 'cache_read_input_tokens'],
    odd: 'The names of other APIs.',
    seen: ['OpenAI', 'Claude'],
    reads: 'cachedPromptTokens',
    cases: ['D02.c'],
  },
  {
    names: ['output_tokens_details.reasoning_tokens'],
    odd: 'The name of another API.',
    seen: ['OpenAI'],
    reads: 'reasoningTokens',
    cases: ['D02.c'],
  },
  {
    names: ['cached_tokens'],
    odd: 'Beside the other numbers.',
    seen: ['Kimi'],
    reads: 'cachedPromptTokens',
    cases: ['C13.e'],
  },
  {
    names: ['prompt_cache_hit_tokens'],
    odd: 'By a name of its own.',
    seen: ['DeepSeek'],
    reads: 'cachedPromptTokens',
    cases: ['D02.d'],
  },
  {
    names: ['reasoning_tokens'],
    odd: 'Beside the other numbers.',
    seen: [],
    reads: 'reasoningTokens',
    cases: ['D02.d'],
  },
  {
    names: ['promptTokenCount'],
    odd: 'The name of the native API.',
    seen: ['Gemini'],
    reads: 'promptTokens',
    cases: ['D02.b'],
  },
  {
    names: ['candidatesTokenCount'],
    odd: 'The name of the native API.',
    seen: ['Gemini'],
    reads: 'completionTokens',
    cases: ['D02.b'],
  },
  {
    names: ['cachedContentTokenCount'],
    odd: 'The name of the native API.',
    seen: ['Gemini'],
    reads: 'cachedPromptTokens',
    cases: ['D02.b'],
  },
  {
    names: ['thoughtsTokenCount'],
    odd: 'The name of the native API.',
    seen: ['Gemini'],
    reads: 'reasoningTokens',
    cases: ['D02.b'],
  },
  {
    names: ['prompt_eval_count'],
    odd: 'The name of the native API.',
    seen: ['Ollama'],
    reads: 'promptTokens',
    cases: ['D02.e'],
  },
  {
    names: ['eval_count'],
    odd: 'The name of the native API.',
    seen: ['Ollama'],
    reads: 'completionTokens',
    cases: ['D02.e'],
  },
]
