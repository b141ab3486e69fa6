import type { FinishReason } from '../../../memory/message.ts'

/** What a finish reason means: an end of the answer, or that the server broke off. */
export type FinishMeaning = FinishReason | 'FAILURE'

/** The words of the APIs that are described, in small letters and with `_` for other signs. */
const WORDS: ReadonlyMap<string, FinishMeaning> = new Map<string, FinishMeaning>([
  ['stop', 'STOP'],
  ['length', 'LENGTH'],
  ['tool_calls', 'TOOL_CALLS'],
  ['function_call', 'TOOL_CALLS'],
  ['content_filter', 'CONTENT_FILTER'],
  // DeepSeek and Zhipu.
  ['insufficient_system_resource', 'FAILURE'],
  ['sensitive', 'CONTENT_FILTER'],
  ['network_error', 'FAILURE'],
  // Claude, also by others' servers.
  ['end_turn', 'STOP'],
  ['stop_sequence', 'STOP'],
  ['pause_turn', 'STOP'],
  ['max_tokens', 'LENGTH'],
  ['model_context_window_exceeded', 'LENGTH'],
  ['tool_use', 'TOOL_CALLS'],
  ['refusal', 'CONTENT_FILTER'],
  // Gemini.
  ['safety', 'CONTENT_FILTER'],
  ['recitation', 'CONTENT_FILTER'],
  ['language', 'CONTENT_FILTER'],
  ['blocklist', 'CONTENT_FILTER'],
  ['prohibited_content', 'CONTENT_FILTER'],
  ['spii', 'CONTENT_FILTER'],
  ['malformed_function_call', 'FAILURE'],
  ['unexpected_tool_call', 'FAILURE'],
  ['too_many_tool_calls', 'FAILURE'],
  ['malformed_response', 'FAILURE'],
  ['missing_thought_signature', 'FAILURE'],
  // Cohere, Together, text-generation-inference.
  ['complete', 'STOP'],
  ['eos', 'STOP'],
  ['eos_token', 'STOP'],
  ['error_toxic', 'CONTENT_FILTER'],
  ['error_limit', 'LENGTH'],
])

/** What words that nobody has described say of themselves, the first that fits. */
const STEMS: readonly (readonly [FinishMeaning, readonly string[]])[] = [
  ['LENGTH', ['length', 'max_token', 'max_output', 'context_window', 'token_limit']],
  ['CONTENT_FILTER', ['filter', 'safety', 'moderat', 'prohibit', 'content_polic', 'block', 'guardrail', 'toxic']],
  ['FAILURE', ['error', 'fail', 'timeout', 'timed_out', 'abort', 'cancel', 'malformed', 'overload', 'unavailable']],
  ['FAILURE', ['insufficient', 'disconnect', 'interrupt', 'exception']],
  ['TOOL_CALLS', ['tool', 'function']],
]

const MAX_WORD = 64

/** What the word for an answer's end means; undefined where there is none, or none that is known. */
export function finishMeaningOf(given: unknown): FinishMeaning | undefined {
  const word = finishWordOf(given)
  const known = WORDS.get(word)
  if (known !== undefined || word === '') return known
  return STEMS.find(([, stems]) => stems.some((stem) => word.includes(stem)))?.[0]
}

/** The word in small letters, without the name of its enum; `""` where there is none. */
export function finishWordOf(given: unknown): string {
  if (typeof given !== 'string') return ''
  const plain = given
    .trim()
    .slice(-MAX_WORD)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, '_')
  const word = plain.slice(plain.lastIndexOf('.') + 1)
  return word.startsWith('finish_reason_') ? word.slice('finish_reason_'.length) : word
}
