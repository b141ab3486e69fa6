import type { NamedDialect } from './dialect.ts'

/** The fields of a delta, or of a whole message, by what stands in them; all others are unknown. */
export const DELTA_FIELDS: readonly NamedDialect<'text' | 'reasoning' | 'calls' | 'state'>[] = [
  {
    names: ['content'],
    odd: 'A text; at some a list of items, see below.',
    seen: ['OpenAI'],
    reads: 'text',
    cases: ['C10.a', 'C10.b'],
  },
  { names: ['text'], odd: 'The field of the completions before chats.', seen: [], reads: 'text', cases: ['D03.a'] },
  {
    names: ['refusal'],
    odd: 'What the model says instead, in a field of its own.',
    seen: ['OpenAI'],
    reads: 'text',
    cases: ['D03.b'],
  },
  {
    names: ['tool_calls', 'function_call'],
    odd: 'Calls in pieces, and the one call before tools.',
    seen: ['OpenAI', 'Snowflake Cortex'],
    reads: 'calls',
    cases: ['C18.k', 'C18.n'],
  },
  {
    names: ['reasoning_content'],
    odd: 'What the model thinks, in a field that the API does not have.',
    seen: ['DeepSeek', 'Kimi', 'Qwen', 'GLM', 'SGLang', 'llama.cpp'],
    reads: 'reasoning',
    cases: ['C20.c1', 'C20.d', 'C24.c'],
  },
  {
    names: ['reasoning'],
    odd: 'The same by another name; some write both.',
    seen: ['OpenRouter', 'Ollama', 'Groq', 'vLLM'],
    reads: 'reasoning',
    cases: ['D03.c'],
  },
  { names: ['thinking'], odd: 'The same by another name.', seen: [], reads: 'reasoning', cases: ['C20.c3'] },
  {
    names: ['reasoning_text'],
    odd: 'The same by another name.',
    seen: ['GitHub Copilot'],
    reads: 'reasoning',
    cases: ['D03.d'],
  },
  {
    names: ['thinking_content', 'thought'],
    odd: 'The same by another name.',
    seen: [],
    reads: 'reasoning',
    cases: ['D03.e'],
  },
  {
    names: ['reasoning_details'],
    odd: 'Thoughts with what the provider wants back; shown only where no other field has them.',
    seen: ['OpenRouter'],
    reads: 'state',
    cases: ['C25.a', 'C25.b', 'C20.b'],
  },
  {
    names: ['thinking_blocks'],
    odd: 'Signed thoughts that the provider wants back.',
    seen: ['LiteLLM'],
    reads: 'state',
    cases: ['D03.f'],
  },
  {
    names: ['reasoning_opaque', 'encrypted_content'],
    odd: 'Thoughts that nobody can read and the provider wants back.',
    seen: ['GitHub Copilot'],
    reads: 'state',
    cases: ['D03.d'],
  },
  {
    names: ['extra_content'],
    odd: 'What the provider wants back with the message.',
    seen: ['Gemini'],
    reads: 'state',
    cases: ['D03.g'],
  },
]

/** The fields of a call. */
export const CALL_FIELDS: readonly NamedDialect<'call' | 'id' | 'arguments' | 'state'>[] = [
  {
    names: ['function', 'custom'],
    odd: 'Name and arguments stand in an object; at some beside the id.',
    seen: ['OpenAI'],
    reads: 'call',
    cases: ['C18.k', 'D04.a'],
  },
  {
    names: ['id', 'call_id'],
    odd: 'The id, by either name.',
    seen: ['OpenAI'],
    reads: 'id',
    cases: ['C18.c', 'D04.a'],
  },
  {
    names: ['arguments', 'input', 'parameters'],
    odd: 'A text; at some the object itself, or by another name.',
    seen: [],
    reads: 'arguments',
    cases: ['C18.a', 'D04.a'],
  },
  {
    names: ['extra_content'],
    odd: 'A signature that the provider wants back with the call.',
    seen: ['Gemini'],
    reads: 'state',
    cases: ['C23.a', 'C23.b', 'C23.c'],
  },
  {
    names: ['thought_signature', 'thoughtSignature', 'provider_specific_fields'],
    odd: 'The same, as proxies write it.',
    seen: ['LiteLLM'],
    reads: 'state',
    cases: ['D04.b'],
  },
]

/** Items of a content that is a list, by a part of their type; one of another type says what its fields say. */
export const ITEM_TYPES: readonly NamedDialect<'reasoning' | 'call' | 'nothing'>[] = [
  {
    names: ['redacted_thinking'],
    odd: 'Thoughts that nobody can read.',
    seen: ['Claude'],
    reads: 'nothing',
    cases: ['D05.a'],
  },
  {
    names: ['think', 'thought', 'reason'],
    odd: 'Thoughts as an item, of which the text may be a list again.',
    seen: ['Mistral', 'Claude'],
    reads: 'reasoning',
    cases: ['C10.a', 'C10.e', 'C10.f'],
  },
  { names: ['tool_use', 'tool_call'], odd: 'A call as an item.', seen: ['Claude'], reads: 'call', cases: ['D05.b'] },
  {
    names: ['reference', 'citation'],
    odd: 'Numbers of sources between the texts.',
    seen: ['Mistral'],
    reads: 'nothing',
    cases: ['C10.c'],
  },
]

/** Where the text of an item stands. */
export const ITEM_FIELDS: readonly NamedDialect<'text' | 'reasoning'>[] = [
  {
    names: ['text', 'refusal', 'content', 'output_text', 'value'],
    odd: 'The text of an item, by any of these.',
    seen: ['Mistral', 'OpenAI'],
    reads: 'text',
    cases: ['C10.a', 'C10.b'],
  },
  {
    names: ['thinking', 'reasoning', 'summary'],
    odd: 'The text of a thought, before the others.',
    seen: ['Mistral', 'Claude'],
    reads: 'reasoning',
    cases: ['C10.e'],
  },
]

/** Tags around thoughts that a text begins with; each closes as it opens. */
export const THOUGHT_TAGS: readonly NamedDialect<'reasoning'>[] = [
  {
    names: ['think', 'thinking'],
    odd: 'Models that have no field for it think in tags at the beginning of the text.',
    seen: ['Qwen', 'DeepSeek', 'Ollama', 'llama.cpp'],
    reads: 'reasoning',
    cases: ['C21.a', 'C21.c'],
  },
]
