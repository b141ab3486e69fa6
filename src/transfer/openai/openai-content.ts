import type { DataPart, FilePart, MessagePart, ReasoningPart, TextPart, ToolCallPart } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { isObject, type JsonObject, listOf, objectOf, readJson, textOf } from '../json-fields.ts'
import type { Notes } from '../notes.ts'

type ContentPart = TextPart | ReasoningPart | FilePart | DataPart

/** By the type of an item the field of its text; those of the Responses API too. */
const TEXT_FIELDS = new Map<unknown, 'text' | 'refusal'>([
  ['text', 'text'],
  ['input_text', 'text'],
  ['output_text', 'text'],
  ['refusal', 'refusal'],
])
/** What an image is that only its address is known of. */
const ANY_IMAGE = 'image/*'
/** What a file is that only its address is known of. */
const ANY_FILE = 'application/octet-stream'
/** Where a call or a result does not say which tool it was. */
const ANY_TOOL = 'tool'

/**
 * The `content` of a chat message, a string or a list of items; each item becomes one part, and what is neither text
 * nor a file becomes data under the name of its type. Nothing where it says nothing.
 */
export function decodeContent(place: string, content: unknown, notes: Notes): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (Array.isArray(content)) return content.flatMap((item) => decodeItem(place, item, notes))
  if (isObject(content)) return decodeItem(place, content, notes)
  if (content != null) notes.loss(place, 'content that is neither text nor a list: left out')
  return []
}

/** An assistant's `tool_calls`, those of custom tools too: their text is under `input` then. */
export function decodeToolCalls(place: string, calls: unknown, notes: Notes): ToolCallPart[] {
  return listOf(calls).flatMap((value, index) => {
    const call = objectOf(value)
    const { name, arguments: given } = objectOf(call.function ?? call.custom ?? call)
    const input = isObject(call.custom) ? toArguments(call.custom.input) : readArguments(given ?? call.input)
    if (textOf(name) === undefined) notes.change(place, 'a call of a tool without its name')
    const toolCallId = textOf(call.id) ?? `${place}.tool_calls[${index}]`
    return [{ type: 'toolCall', toolCallId, toolName: textOf(name) ?? ANY_TOOL, arguments: input }]
  })
}

/** A call in the older `function_call`, which has no id. */
export function decodeFunctionCall(value: unknown, toolCallId: string): ToolCallPart {
  const { name, arguments: given } = objectOf(value)
  return { type: 'toolCall', toolCallId, toolName: textOf(name) ?? ANY_TOOL, arguments: readArguments(given) }
}

/** The JSON of an object, as arguments are, for a text that a tool takes. */
function toArguments(input: unknown): string {
  return JSON.stringify({ input })
}

/** The nearest that a chat completions API has to these parts; what it has no place for is left out. */
export function encodeContent(parts: readonly MessagePart[]): unknown {
  const items = parts.flatMap(encodeItem)
  const [only] = items
  if (only === undefined) return parts.some(({ type }) => type === 'toolCall') ? null : ''
  return items.length === 1 && only.type === 'text' ? only.text : items
}

/** The calls among the parts as `tool_calls`; undefined when there are none. */
export function encodeToolCalls(parts: readonly MessagePart[]): JsonObject[] | undefined {
  const calls = parts.filter((part) => part.type === 'toolCall')
  if (calls.length === 0) return undefined
  return calls.map(({ toolCallId, toolName, arguments: text }) => ({
    id: toolCallId,
    type: 'function',
    function: { name: toolName, arguments: text },
  }))
}

function decodeItem(place: string, value: unknown, notes: Notes): ContentPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }]
  if (!isObject(value)) {
    if (value != null) notes.loss(place, 'an item of content that is no object: left out')
    return []
  }
  const { type } = value
  const field = TEXT_FIELDS.get(type)
  const text = field && value[field]
  if (typeof text === 'string') return [{ type: 'text', text }]
  if (type === 'thinking' && typeof value.thinking === 'string') return [{ type: 'reasoning', text: value.thinking }]
  const file = decodeFile(type, value)
  if (file) return [file]
  notes.change(place, `content that is neither text nor a file with a web address: kept as data`)
  return [{ type: 'data', name: textOf(type) ?? 'content', data: readJson(withoutFiles(value)) }]
}

/** A file by its address; what is within the text, or known to its provider alone, is none. */
function decodeFile(type: unknown, item: JsonObject): FilePart | undefined {
  if (type === 'image_url' || type === 'input_image') {
    const given = item.image_url
    const url = addressOf(isObject(given) ? given.url : given)
    return url === undefined ? undefined : { type: 'file', url, mediaType: ANY_IMAGE }
  }
  if (type !== 'file' && type !== 'input_file') return undefined
  const { file_data, file_url, filename } = type === 'file' ? objectOf(item.file) : item
  const url = addressOf(file_data) ?? addressOf(file_url)
  const name = omitUndefined({ filename: textOf(filename) })
  return url === undefined ? undefined : { type: 'file', url, mediaType: ANY_FILE, ...name }
}

function addressOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^https?:/i.test(value) ? value : undefined
}

/** Files within the text are named, and not kept. */
function withoutFiles(item: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => {
      if (isObject(value)) return [key, withoutFiles(value)]
      if (typeof value !== 'string') return [key, value]
      if (value.startsWith('data:')) return [key, value.slice(0, Math.min(value.indexOf(',') + 1, MAX_SHOWN))]
      return [key, key === 'data' ? `${value.length} characters` : value]
    }),
  )
}

/** Of the head of a file within the text. */
const MAX_SHOWN = 100

/** Some tools write what the model wrote as the object that it stands for. */
function readArguments(value: unknown): string {
  if (typeof value === 'string') return value
  return isObject(value) ? JSON.stringify(value) : '{}'
}

function encodeItem(part: MessagePart): JsonObject[] {
  if (part.type === 'text') return [{ type: 'text', text: part.text }]
  if (part.type !== 'file') return []
  const { url, mediaType, filename } = part
  if (mediaType.startsWith('image/')) return [{ type: 'image_url', image_url: { url } }]
  return [{ type: 'file', file: { file_data: url, filename } }]
}
