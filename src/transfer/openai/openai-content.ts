import type { FilePart, MessagePart, TextPart, ToolCallPart } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type JsonObject, optional, readList, readObject, readText, readWord, refuse } from '../json-fields.ts'

const ITEM_TYPES = ['text', 'refusal', 'image_url', 'file'] as const

/** What an image is that only its address is known of. */
const ANY_IMAGE = 'image/*'
/** What a file is that only its address is known of. */
const ANY_FILE = 'application/octet-stream'

/** The `content` of a chat message, a string or a list of items; each item becomes one part. */
export function decodeContent(field: string, content: unknown): (TextPart | FilePart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) refuse(field, 'a string or a list of parts', content)
  return content.map((item, index) => decodeItem(`${field}[${index}]`, readObject(`${field}[${index}]`, item)))
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
    const at = `${field}[${index}]`
    const call = readObject(at, value)
    optional((name, type) => readWord(name, type, ['function']), `${at}.type`, call.type)
    return decodeFunctionCall(`${at}.function`, call.function, readText(`${at}.id`, call.id))
  })
}

/** A call of a function, as in `tool_calls` and in the older `function_call`, which has no id. */
export function decodeFunctionCall(field: string, value: unknown, toolCallId: string): ToolCallPart {
  const { name, arguments: given } = readObject(field, value)
  // Some tools write what the model wrote as the object that it stands for.
  const text = typeof given === 'object' && given !== null ? JSON.stringify(given) : given
  const toolName = readText(`${field}.name`, name)
  return { type: 'toolCall', toolCallId, toolName, arguments: readText(`${field}.arguments`, text) }
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

function decodeItem(field: string, item: JsonObject): TextPart | FilePart {
  const type = readWord(`${field}.type`, item.type, ITEM_TYPES)
  if (type === 'text' || type === 'refusal') return { type: 'text', text: readText(`${field}.${type}`, item[type]) }
  if (type === 'image_url') {
    const { image_url: image } = item
    const value = typeof image === 'string' ? image : readObject(`${field}.image_url`, image).url
    return { type: 'file', url: readAddress(`${field}.image_url.url`, value), mediaType: ANY_IMAGE }
  }
  const file = readObject(`${field}.file`, item.file)
  const filename = optional(readText, `${field}.file.filename`, file.filename)
  const url = readAddress(`${field}.file.file_data`, file.file_data)
  return { type: 'file', url, mediaType: ANY_FILE, ...omitUndefined({ filename }) }
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
