import type { Json } from '../../../memory/message.ts'
import { broken } from '../openai-error.ts'
import { countOf, type Fields, fieldsOf, listOf, storableOf, textOf } from './fields.ts'
import type { ToolCallPiece } from './tool-call-assembly.ts'

/** What one delta, or one whole message, says. */
export interface DeltaFields {
  /** What is said and what is thought, in their order. */
  texts: { type: 'text' | 'reasoning'; text: string }[]
  /** Where the thoughts stand, if they have a field of their own. */
  reasoningField: string | undefined
  calls: ToolCallPiece[]
  /** What the provider wants back with the message. */
  state: { [field: string]: Json }
  /** Items of content of a kind that is not known. */
  unknown: unknown[]
}

/** What servers call what a model thinks, the most usual first; some write it twice. */
const REASONING = ['reasoning_content', 'reasoning', 'thinking', 'thinking_content', 'reasoning_text', 'thought']
/** What providers want back as it came: of a message, and of a call. OpenRouter; Gemini; LiteLLM; Copilot. */
const MESSAGE_STATE = ['reasoning_details', 'extra_content', 'thinking_blocks', 'reasoning_opaque', 'encrypted_content']
const CALL_STATE = ['extra_content', 'thought_signature', 'thoughtSignature', 'provider_specific_fields']
/** Items of content that say nothing: Mistral's references. */
const SILENT_ITEMS = new Set(['reference', 'citation', 'tool_reference', 'redacted_thinking'])
const MAX_NESTING = 6
const MAX_KIND = 64

/** Reads a delta of any of the known shapes. */
export function readDelta(delta: Fields): DeltaFields {
  const read: DeltaFields = { texts: [], reasoningField: undefined, calls: [], state: {}, unknown: [] }
  readReasoning(delta, read)
  readItem(delta.content, 'text', read, 0)
  if (typeof delta.text === 'string') addText(read, 'text', delta.text)
  // A refusal is what the model says instead.
  readItem(delta.refusal, 'text', read, 0)
  for (const call of listOf(delta.tool_calls)) addCall(read, call)
  const old = fieldsOf(delta.function_call)
  if (old) addCall(read, { function: old })
  keepState(read.state, delta, MESSAGE_STATE)
  return read
}

function readReasoning(delta: Fields, read: DeltaFields): void {
  const before = read.texts.length
  for (const field of REASONING) {
    readItem(delta[field], 'reasoning', read, 0)
    if (read.texts.length === before) continue
    read.reasoningField = field
    return
  }
  for (const detail of listOf(delta.reasoning_details)) {
    const { text, summary } = fieldsOf(detail) ?? {}
    addText(read, 'reasoning', typeof text === 'string' ? text : summary)
  }
}

/** Content is a text, an item or a list of items; a thought may hold a list itself. */
function readItem(given: unknown, type: 'text' | 'reasoning', read: DeltaFields, depth: number): void {
  if (given === undefined || given === null) return
  if (depth > MAX_NESTING) read.unknown.push(given)
  else if (Array.isArray(given)) for (const item of given) readItem(item, type, read, depth + 1)
  else if (typeof given === 'object') readObject(given as Fields, type, read, depth)
  else addText(read, type, textOf(given))
}

function readObject(item: Fields, type: 'text' | 'reasoning', read: DeltaFields, depth: number): void {
  const kind = typeof item.type === 'string' ? item.type.slice(0, MAX_KIND) : ''
  const isThought = ['think', 'thought', 'reason'].some((word) => kind.includes(word))
  const said = isThought ? (item.thinking ?? item.reasoning ?? item.summary ?? saidIn(item)) : saidIn(item)
  if (kind === 'tool_use' || kind === 'tool_call') addCall(read, item)
  else if (said !== undefined && said !== null) readItem(said, isThought ? 'reasoning' : type, read, depth + 1)
  else if (!SILENT_ITEMS.has(kind) && !isThought) read.unknown.push(item)
}

function saidIn(item: Fields): unknown {
  return item.text ?? item.refusal ?? item.content ?? item.output_text ?? item.value
}

function addText(read: DeltaFields, type: 'text' | 'reasoning', text: unknown): void {
  if (typeof text === 'string' && text !== '') read.texts.push({ type, text })
}

function addCall(read: DeltaFields, given: unknown): void {
  const call = fieldsOf(given)
  if (call === undefined) return
  const called = fieldsOf(call.function) ?? fieldsOf(call.custom) ?? call
  const state: { [field: string]: Json } = {}
  keepState(state, call, CALL_STATE)
  keepState(state, called === call ? {} : called, CALL_STATE)
  read.calls.push({
    index: countOf(call.index),
    id: textOf(call.id) ?? textOf(call.call_id),
    name: textOf(called.name),
    arguments: argumentsOf(called.arguments ?? called.input ?? called.parameters),
    state: Object.keys(state).length === 0 ? undefined : state,
  })
}

/** Some servers give the arguments as the object itself. */
function argumentsOf(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined
  if (typeof given === 'string') return given
  const storable = storableOf(given)
  if (storable === undefined) throw broken('The model sent arguments of a tool call that cannot be stored.')
  return JSON.stringify(storable)
}

function keepState(kept: { [field: string]: Json }, given: Fields, fields: readonly string[]): void {
  for (const field of fields) {
    const value = given[field]
    if (value === undefined || value === null) continue
    const storable = storableOf(value)
    if (storable === undefined) throw broken(`The model sent ${field} that cannot be stored.`)
    kept[field] = storable
  }
}
