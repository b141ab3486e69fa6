import type { FilePart, MessagePart, TextPart, ToolCallPart } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type JsonObject, readFields, readList, readObject, readText, readWordOf, refuse } from '../json-fields.ts'

const ITEM_TYPES = ['text', 'refusal', 'image_url', 'file'] as const

/** What an image is that only its address is known of. */
const ANY_IMAGE = 'image/*'
/** What a file is that only its address is known of. */
const ANY_FILE = 'application/octet-stream'

/** The `content` of a chat message, a string or a list of items; each item becomes one part. */
export function decodeContent(field: string, content: unknown): (TextPart | FilePart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) refuse(field, 'a string or a list of parts', content)
  return content.map((item, index) => decodeItem(`${field}[${index}]`, item))
}

/** The text of a `content`; files are refused. */
export function decodeTextContent(field: string, content: unknown): string {
  return decodeContent(field, content)
    .map((part, index) =>
      part.type === 'text' ? part.text : refuse(`${field}[${index}].type`, '"text" here', 'a file'),
    )
    .join('')
}

/** An assistant's `tool_calls`. */
export function decodeToolCalls(field: string, calls: unknown): ToolCallPart[] {
  return readList(field, calls).map((value, index) => {
    const call = readFields(`${field}[${index}]`, value)
    call.maybe('type', readWordOf(['function']))
    const id = call.get('id', readText)
    return call.get('function', (at, given) => decodeFunctionCall(at, given, id))
  })
}

/** A call of a function, as in `tool_calls` and in the older `function_call`, which has no id. */
export function decodeFunctionCall(field: string, value: unknown, toolCallId: string): ToolCallPart {
  const call = readFields(field, value)
  return {
    type: 'toolCall',
    toolCallId,
    toolName: call.get('name', readText),
    arguments: call.get('arguments', readArguments),
  }
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

function decodeItem(field: string, value: unknown): TextPart | FilePart {
  const item = readFields(field, value)
  const type = item.get('type', readWordOf(ITEM_TYPES))
  if (type === 'text' || type === 'refusal') return { type: 'text', text: item.get(type, readText) }
  if (type === 'image_url') return { type: 'file', url: item.get(type, readImageUrl), mediaType: ANY_IMAGE }
  const file = item.get('file', readFields)
  const filename = file.maybe('filename', readText)
  return { type: 'file', url: file.get('file_data', readAddress), mediaType: ANY_FILE, ...omitUndefined({ filename }) }
}

/** Some tools write what the model wrote as the object that it stands for. */
function readArguments(field: string, value: unknown): string {
  return readText(field, typeof value === 'object' && value !== null ? JSON.stringify(value) : value)
}

/** An address, or an object with one. */
function readImageUrl(field: string, value: unknown): string {
  return readAddress(`${field}.url`, typeof value === 'string' ? value : readObject(field, value).url)
}

/** Files are kept by their address: a `data:` URL is the file itself, and an id only its provider knows. */
function readAddress(field: string, value: unknown): string {
  if (typeof value === 'string' && /^https?:/i.test(value)) return value
  return refuse(field, 'an http or https URL (files within the text are not kept)', value)
}

function encodeItem(part: MessagePart): JsonObject[] {
  if (part.type === 'text') return [{ type: 'text', text: part.text }]
  if (part.type !== 'file') return []
  const { url, mediaType, filename } = part
  if (mediaType.startsWith('image/')) return [{ type: 'image_url', image_url: { url } }]
  return [{ type: 'file', file: { file_data: url, filename } }]
}
