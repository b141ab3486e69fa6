import type { FinishReason } from '../../../../memory/message.ts'
import type { NamedDialect } from './dialect.ts'

/** What a finish reason means: an end of the answer, or that the server broke off. */
export type FinishMeaning = FinishReason | 'FAILURE'

/** Where a choice, or an event that is its own choice, tells of the end. */
export const FINISH_FIELDS: readonly NamedDialect<'the reason' | 'an end where it is true'>[] = [
  {
    names: ['finish_reason'],
    odd: 'The field of the API itself.',
    seen: ['OpenAI'],
    reads: 'the reason',
    cases: ['C19.a'],
  },
  {
    names: ['done_reason'],
    odd: 'The name of the native API.',
    seen: ['Ollama'],
    reads: 'the reason',
    cases: ['D09.a', 'D09.b'],
  },
  {
    names: ['done'],
    odd: 'In each line of the native API; whose messages are pieces.',
    seen: ['Ollama'],
    reads: 'an end where it is true',
    cases: ['D09.c'],
  },
]

/** The words of the APIs that are described, in small letters and with `_` for other signs. */
export const FINISH_WORDS: readonly NamedDialect<FinishMeaning>[] = [
  {
    names: ['stop'],
    odd: 'The word of the API itself, in any letters and with or without the name of its enum.',
    seen: ['OpenAI', 'Gemini'],
    reads: 'STOP',
    cases: ['D01.h'],
  },
  { names: ['length'], odd: 'The word of the API itself.', seen: ['OpenAI'], reads: 'LENGTH', cases: ['C19.a'] },
  {
    names: ['tool_calls', 'function_call'],
    odd: 'The word of the API itself, and the one before tools.',
    seen: ['OpenAI'],
    reads: 'TOOL_CALLS',
    cases: ['C18.k'],
  },
  {
    names: ['content_filter'],
    odd: 'The word of the API itself.',
    seen: ['OpenAI', 'Azure OpenAI'],
    reads: 'CONTENT_FILTER',
    cases: ['D01.a'],
  },
  {
    names: ['insufficient_system_resource'],
    odd: 'An outage is named as the end of an answer.',
    seen: ['DeepSeek'],
    reads: 'FAILURE',
    cases: ['C06.b'],
  },
  {
    names: ['network_error'],
    odd: 'An outage is named as the end of an answer.',
    seen: ['GLM'],
    reads: 'FAILURE',
    cases: ['C06.a', 'C06.p'],
  },
  { names: ['sensitive'], odd: 'Its own word for a filter.', seen: ['GLM'], reads: 'CONTENT_FILTER', cases: ['C06.e'] },
  {
    names: ['end_turn', 'stop_sequence', 'pause_turn'],
    odd: "Claude's words, passed on by proxies.",
    seen: ['Claude'],
    reads: 'STOP',
    cases: ['C06.f'],
  },
  {
    names: ['max_tokens'],
    odd: 'The word of another API for the same.',
    seen: ['Claude', 'Cohere', 'Gemini'],
    reads: 'LENGTH',
    cases: ['C06.i', 'C06.l'],
  },
  {
    names: ['model_context_window_exceeded'],
    odd: 'The window is full: what was on its way is cut off.',
    seen: ['GLM', 'Claude'],
    reads: 'LENGTH',
    cases: ['C06.d', 'C06.n'],
  },
  { names: ['tool_use'], odd: "Claude's word.", seen: ['Claude'], reads: 'TOOL_CALLS', cases: ['C06.j'] },
  { names: ['refusal'], odd: "Claude's word.", seen: ['Claude'], reads: 'CONTENT_FILTER', cases: ['D01.b'] },
  {
    names: ['safety', 'recitation', 'language', 'blocklist', 'prohibited_content', 'spii'],
    odd: "Gemini's words for a filter.",
    seen: ['Gemini'],
    reads: 'CONTENT_FILTER',
    cases: ['C06.k'],
  },
  {
    names: [
      'malformed_function_call',
      'unexpected_tool_call',
      'too_many_tool_calls',
      'malformed_response',
      'missing_thought_signature',
    ],
    odd: 'The model got its answer wrong; another try mostly gets it right.',
    seen: ['Gemini'],
    reads: 'FAILURE',
    cases: ['C06.t'],
  },
  {
    names: ['complete', 'eos', 'eos_token'],
    odd: 'The word of their own APIs.',
    seen: ['Cohere', 'Together', 'TGI'],
    reads: 'STOP',
    cases: ['C06.g', 'D01.i'],
  },
  {
    names: ['error_toxic'],
    odd: 'A filter that calls itself an error.',
    seen: ['Cohere'],
    reads: 'CONTENT_FILTER',
    cases: ['D01.c'],
  },
  {
    names: ['error_limit'],
    odd: 'A limit that calls itself an error.',
    seen: ['Cohere'],
    reads: 'LENGTH',
    cases: ['D01.d'],
  },
]

/** What words that nobody has described say of themselves by a part of them: the first that fits. */
export const FINISH_STEMS: readonly NamedDialect<FinishMeaning>[] = [
  {
    names: ['length', 'max_token', 'max_output', 'context_window', 'token_limit'],
    odd: 'A word that nobody has described, about a limit.',
    seen: [],
    reads: 'LENGTH',
    cases: ['D01.e'],
  },
  {
    names: ['filter', 'safety', 'moderat', 'prohibit', 'content_polic', 'block', 'guardrail', 'toxic'],
    odd: 'A word that nobody has described, about a filter.',
    seen: [],
    reads: 'CONTENT_FILTER',
    cases: ['D01.f'],
  },
  {
    names: [
      ...['error', 'fail', 'timeout', 'timed_out', 'abort', 'cancel', 'malformed', 'overload', 'unavailable'],
      ...['insufficient', 'disconnect', 'interrupt', 'exception'],
    ],
    odd: 'A word that nobody has described, about a failure.',
    seen: ['OpenRouter'],
    reads: 'FAILURE',
    cases: ['C06.c'],
  },
  {
    names: ['tool', 'function'],
    odd: 'A word that nobody has described, about calls.',
    seen: [],
    reads: 'TOOL_CALLS',
    cases: ['D01.g'],
  },
]
