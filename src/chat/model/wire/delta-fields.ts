import type { Json } from '../../../memory/message.ts'
import { broken } from '../openai-error.ts'
import { CALL_FIELDS, DELTA_FIELDS, ITEM_FIELDS, ITEM_TYPES } from './dialects/delta-dialects.ts'
import { namesOf } from './dialects/dialect.ts'
import { SILENT } from './dialects/silent-dialects.ts'
import { countOf, type Fields, fieldsOf, listOf, storableOf, textOf } from './fields.ts'
import type { ToolCallPiece } from './tool-call-assembly.ts'
import type { UnknownShapes } from './unknown-shapes.ts'

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

const TEXT = namesOf(DELTA_FIELDS, 'text')
/** Some servers write what a model thinks twice: the first counts. */
const REASONING = namesOf(DELTA_FIELDS, 'reasoning')
const CALLS = namesOf(DELTA_FIELDS, 'calls')
/** What providers want back as it came, with the message and with a call. */
const MESSAGE_STATE = namesOf(DELTA_FIELDS, 'state')
const CALL_STATE = namesOf(CALL_FIELDS, 'state')
const CALLED = namesOf(CALL_FIELDS, 'call')
const CALL_ID = namesOf(CALL_FIELDS, 'id')
const ARGUMENTS = namesOf(CALL_FIELDS, 'arguments')
const ITEM_TEXT = namesOf(ITEM_FIELDS, 'text')
const ITEM_THOUGHT = [...namesOf(ITEM_FIELDS, 'reasoning'), ...ITEM_TEXT]
const SILENT_FIELDS = namesOf(SILENT, 'nothing in a delta')
const KNOWN_FIELDS = new Set([...DELTA_FIELDS.flatMap(({ names }) => names), ...SILENT_FIELDS])
const KNOWN_CALL_FIELDS = new Set([...CALL_FIELDS.flatMap(({ names }) => names), ...SILENT_FIELDS])
const MAX_NESTING = 6
const MAX_KIND = 64
/** Of what one delta says; each of them wakes all who listen. */
const MAX_TEXTS = 10_000

/** Reads a delta of any of the known shapes; fields that are not known are noted. */
export function readDelta(delta: Fields, shapes: UnknownShapes): DeltaFields {
  const read: DeltaFields = { texts: [], reasoningField: undefined, calls: [], state: {}, unknown: [] }
  readReasoning(delta, read)
  for (const field of TEXT) readItem(delta[field], 'text', read, 0)
  for (const field of CALLS) for (const call of listOf(delta[field])) addCall(read, call, shapes)
  keepState(read.state, delta, MESSAGE_STATE)
  shapes.noteOthers('delta', delta, KNOWN_FIELDS)
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
  const meaning = ITEM_TYPES.find(({ names }) => names.some((name) => kind.includes(name)))?.reads
  const isThought = meaning === 'reasoning'
  const said = firstOf(item, isThought ? ITEM_THOUGHT : ITEM_TEXT)
  if (meaning === 'call') addCall(read, item)
  else if (said !== undefined) readItem(said, isThought ? 'reasoning' : type, read, depth + 1)
  else if (meaning === undefined) read.unknown.push(item)
}

/** The value of the first of these fields that has one. */
function firstOf(item: Fields, fields: readonly string[]): unknown {
  for (const field of fields) if (item[field] !== undefined && item[field] !== null) return item[field]
  return undefined
}

function addText(read: DeltaFields, type: 'text' | 'reasoning', text: unknown): void {
  if (typeof text !== 'string' || text === '') return
  if (read.texts.length === MAX_TEXTS) throw broken(`The model sent an event with more than ${MAX_TEXTS} texts.`)
  read.texts.push({ type, text })
}

function addCall(read: DeltaFields, given: unknown, shapes?: UnknownShapes): void {
  const call = fieldsOf(given)
  if (call === undefined) {
    shapes?.note('delta', 'tool_calls', given)
    return
  }
  const called = CALLED.map((field) => fieldsOf(call[field])).find((fields) => fields !== undefined) ?? call
  shapes?.noteOthers('call', call, KNOWN_CALL_FIELDS)
  if (called !== call) shapes?.noteOthers('call', called, KNOWN_CALL_FIELDS)
  const state: { [field: string]: Json } = {}
  keepState(state, call, CALL_STATE)
  keepState(state, called === call ? {} : called, CALL_STATE)
  read.calls.push({
    index: countOf(call.index),
    id: CALL_ID.map((field) => textOf(call[field])).find((id) => id !== undefined),
    name: textOf(called.name),
    arguments: argumentsOf(firstOf(called, ARGUMENTS)),
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
