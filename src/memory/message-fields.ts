import { MAX_POSITION } from './cache/cache.ts'
import type { MessageDraft, MessagePart } from './message.ts'

/** What a row holds beside tokens, role, time and plain text. */
export interface RowFields extends Omit<Partial<MessageDraft>, 'role' | 'createdAt' | 'parts'> {
  parts?: MessagePart[]
}

type Check = (value: unknown) => boolean
type Fields = Record<string, unknown>

/** By type, what a part must have. A Map: a word from outside finds `Object.prototype` in an object. */
const PARTS = new Map<unknown, Check>([
  ['text', (part) => isText((part as Fields).text)],
  ['reasoning', (part) => isText((part as Fields).text)],
  ['toolCall', (part) => ['toolCallId', 'toolName', 'arguments'].every((name) => isText((part as Fields)[name]))],
  ['toolResult', isToolResult],
  ['file', isFile],
  ['data', (part) => isText((part as Fields).name) && (part as Fields).data !== undefined],
])

/**
 * Whether JSON from a cache is what a row can hold: known names, each with a value that every reader of a
 * message can take. Plain code, as it runs for many rows of every hit; zod takes ten times as long.
 */
export function isRowFields(value: unknown): value is RowFields {
  if (!isObject(value)) return false
  for (const name in value) {
    if (!isMessageField(name, value[name])) return false
  }
  return true
}

/** Whether a stored value is one that every reader of a message can take as this field. False for `role` and `createdAt`, which stores write in their own ways. */
export function isMessageField(name: string, value: unknown): boolean {
  switch (name) {
    case 'author':
    case 'replyTo':
    case 'clientMessageId':
    case 'replyId':
    case 'model':
      return typeof value === 'string'
    case 'finishReason':
      return value === 'STOP' || value === 'LENGTH' || value === 'TOOL_CALLS' || value === 'CONTENT_FILTER'
    case 'usage':
      return isUsage(value)
    case 'status':
      return value === 'COMPLETE' || value === 'INTERRUPTED' || value === 'FAILED' || value === 'REDACTED'
    case 'parts':
      return Array.isArray(value) && value.every(isPart)
    case 'metadata':
      return isObject(value) && Object.values(value).every(isPlain)
    default:
      return false
  }
}

function isPart(value: unknown): boolean {
  return isObject(value) && PARTS.get(value.type)?.(value) === true
}

function isToolResult(part: unknown): boolean {
  const { toolCallId, toolName, output, isError } = part as Fields
  const isNamed = toolName === undefined || isText(toolName)
  return isText(toolCallId) && isText(output) && isNamed && (isError === undefined || typeof isError === 'boolean')
}

function isFile(part: unknown): boolean {
  const { url, mediaType, filename } = part as Fields
  return isText(url) && isText(mediaType) && (filename === undefined || isText(filename))
}

function isUsage(value: unknown): boolean {
  if (!isObject(value) || typeof value.estimated !== 'boolean') return false
  const { promptTokens, completionTokens, cachedPromptTokens, reasoningTokens } = value
  if (cachedPromptTokens !== undefined && !isCount(cachedPromptTokens)) return false
  if (reasoningTokens !== undefined && !isCount(reasoningTokens)) return false
  return isCount(promptTokens) && isCount(completionTokens)
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_POSITION
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
