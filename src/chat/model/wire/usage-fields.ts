import type { Usage } from '../../../memory/message.ts'
import { countOf, type Fields, fieldsOf } from './fields.ts'

type Counts = Partial<Omit<Usage, 'estimated'>>

/** The provider's numbers of one answer, as they come. */
export interface UsageReader {
  /** Whether an event or one of its choices brought numbers. */
  add(event: Fields): boolean
  /** All that is known; undefined while the tokens of the prompt or of the answer are not. */
  usage(): Usage | undefined
}

/** Where the numbers stand: OpenAI, Groq, Gemini. */
const PLACES = [['usage'], ['x_groq', 'usage'], ['usageMetadata'], ['usage_metadata']] as const

/** By what names: OpenAI's first, then those of Claude and the Responses API, Gemini and Ollama. */
const NAMES = {
  promptTokens: [['prompt_tokens'], ['input_tokens'], ['promptTokenCount'], ['prompt_eval_count']],
  completionTokens: [['completion_tokens'], ['output_tokens'], ['candidatesTokenCount'], ['eval_count']],
  cachedPromptTokens: [
    ['prompt_tokens_details', 'cached_tokens'],
    ['input_tokens_details', 'cached_tokens'],
    // Kimi, DeepSeek, Claude, Gemini.
    ['cached_tokens'],
    ['prompt_cache_hit_tokens'],
    ['cache_read_input_tokens'],
    ['cachedContentTokenCount'],
  ],
  reasoningTokens: [
    ['completion_tokens_details', 'reasoning_tokens'],
    ['output_tokens_details', 'reasoning_tokens'],
    ['reasoning_tokens'],
    ['thoughtsTokenCount'],
  ],
} as const satisfies Record<keyof Counts, readonly (readonly string[])[]>

/** Reads usage wherever it stands; of several the last counts, number by number, but zeros are no news. */
export function createUsageReader(): UsageReader {
  let counts: Counts = {}

  function add(event: Fields): boolean {
    const found = PLACES.map((path) => fieldsOf(valueAt(event, path))).find((usage) => usage !== undefined)
    const numbers = found ? countsOf(found) : {}
    const isNews = Object.values(numbers).some((count) => count > 0)
    if (isNews || Object.keys(counts).length === 0) counts = { ...counts, ...numbers }
    return isNews
  }

  function usage(): Usage | undefined {
    const { promptTokens, completionTokens } = counts
    if (promptTokens === undefined || completionTokens === undefined) return undefined
    return { ...counts, promptTokens, completionTokens, estimated: false }
  }

  return { add, usage }
}

function countsOf(usage: Fields): Counts {
  const counts: Counts = {}
  for (const name of Object.keys(NAMES) as (keyof Counts)[]) {
    const count = NAMES[name].map((path) => countOf(valueAt(usage, path))).find((value) => value !== undefined)
    if (count !== undefined) counts[name] = count
  }
  return counts
}

function valueAt(fields: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, field) => fieldsOf(value)?.[field], fields)
}
