import type { NamedDialect, TreatedDialect } from './dialect.ts'

/** What says nothing to whoever reads the answer; all else that no row knows is told with the reply. */
export const SILENT: readonly NamedDialect<'nothing in an event' | 'nothing in a choice' | 'nothing in a delta'>[] = [
  {
    names: ['id', 'object', 'type', 'event', 'created', 'created_at', 'model', 'provider', 'timestamp', 'request_id'],
    odd: 'Events that only say which answer it is; signs of life as events.',
    seen: ['OpenAI', 'Claude', 'OpenRouter'],
    reads: 'nothing in an event',
    cases: ['D07.a'],
  },
  {
    names: [
      ...['system_fingerprint', 'service_tier', 'obfuscation', 'base_resp', 'prompt_filter_results', 'metadata'],
      ...['nonce', 'session_id', 'trace_id', 'log_id', 'stats', 'model_info', 'runtime', 'remote_model', 'remote_host'],
    ],
    odd: 'What the server says of itself.',
    seen: ['OpenAI', 'Azure OpenAI', 'MiniMax', 'SGLang', 'LM Studio', 'Ollama'],
    reads: 'nothing in an event',
    cases: ['D07.a', 'D09.a'],
  },
  {
    names: ['index', 'logprobs', 'seed', 'token_ids', 'stop_reason', 'matched_stop', 'stop_sequence'],
    odd: 'How an answer was made, and by what it ended.',
    seen: ['OpenAI', 'vLLM', 'SGLang', 'Together', 'Claude'],
    reads: 'nothing in a choice',
    cases: ['D07.b'],
  },
  {
    names: ['content_filter_results', 'content_filter_result', 'content_filter_offsets'],
    odd: 'Marks of a filter that let the answer pass.',
    seen: ['Azure OpenAI'],
    reads: 'nothing in a choice',
    cases: ['C14.a', 'D07.b'],
  },
  {
    names: ['role', 'name', 'id', 'type', 'object', 'index', 'tool_call_id', 'metadata', 'provider_specific_fields'],
    odd: 'Who speaks; copies of what stands elsewhere.',
    seen: ['OpenAI', 'Mistral', 'MiniMax', 'LiteLLM'],
    reads: 'nothing in a delta',
    cases: ['D07.c'],
  },
]

/** Lines that say nothing but that the server is there, in small letters. */
export const SILENT_LINES: readonly NamedDialect<'a sign of life'>[] = [
  {
    names: ['ping', 'keepalive', 'keep-alive', 'heartbeat', 'ok'],
    odd: 'A sign of life as data that is no JSON.',
    seen: [],
    reads: 'a sign of life',
    cases: ['D07.d'],
  },
]

/** What no row knows. */
export const UNKNOWN: readonly TreatedDialect[] = [
  {
    odd: 'Fields of events, choices, deltas and calls with a text in them, lines that are no JSON, beside an answer.',
    seen: [],
    reads: 'a data part at the end of the answer',
    cases: ['D08.a', 'D08.b', 'D08.c', 'D08.d', 'D08.e', 'D08.i', 'D08.j'],
    by: ['wire/unknown-shapes.ts', 'note'],
  },
  {
    odd: 'Items of content of an unknown type.',
    seen: [],
    reads: 'a data part at its place',
    cases: ['D08.f'],
    by: ['wire/answer-reader.ts', 'addUnknown'],
  },
  {
    odd: 'The same and nothing else, not even an end.',
    seen: [],
    reads: 'a failure that names the fields',
    cases: ['D08.g', 'D08.h'],
    by: ['wire/answer-reader.ts', 'notAnAnswer'],
  },
]
