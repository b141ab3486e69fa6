import type { FilePart, Message, MessagePart, ToolCallPart, ToolResultPart } from './message.ts'
import { contentOf } from './message.ts'

const REDACTED = '[redacted]'

interface TextItem {
  type: 'text'
  text: string
}
interface ImageItem {
  type: 'image_url'
  image_url: { url: string }
}
interface FileItem {
  type: 'file'
  file: { file_data: string; filename?: string }
}
interface ToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** A message as chat completions APIs take it. */
export type ChatMessage =
  | { role: 'system' | 'developer'; content: string; name?: string }
  | { role: 'user'; content: string | (TextItem | ImageItem | FileItem)[]; name?: string }
  | { role: 'assistant'; content: string | null; name?: string; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string }

/**
 * The messages ready to be sent to a chat completions API. Each tool result becomes a message of its
 * own; files go by their URL; reasoning and data are left out, since the API takes neither; what was
 * redacted reads `[redacted]` and keeps its calls and results, without which the API rejects the rest.
 */
export function toChatMessages(messages: readonly Message[]): ChatMessage[] {
  return messages.flatMap(toChatMessage)
}

function toChatMessage(message: Message): ChatMessage[] {
  const { role, author } = message
  const parts = message.status === 'REDACTED' ? message.parts.map(redact) : message.parts
  const content = message.status === 'REDACTED' ? REDACTED : contentOf(parts)
  const name = author === undefined ? {} : { name: chatName(author) }
  const results = parts.filter((part) => part.type === 'toolResult').map(toToolMessage)
  if (role === 'TOOL') return results
  if (role === 'ASSISTANT') return [{ role: 'assistant', ...assistantContent(content, parts), ...name }, ...results]
  if (role === 'USER') return [{ role: 'user', content: userContent(content, parts), ...name }]
  return [{ role: role === 'SYSTEM' ? 'system' : 'developer', content, ...name }]
}

function redact(part: MessagePart): MessagePart {
  if (part.type === 'toolCall') return { ...part, arguments: '{}' }
  if (part.type === 'toolResult') return { ...part, output: REDACTED }
  return { type: 'text', text: '' }
}

/** Content may be null only beside tool calls. */
function assistantContent(content: string, parts: readonly MessagePart[]) {
  const calls = parts.filter((part) => part.type === 'toolCall').map(toToolCall)
  return calls.length === 0 ? { content } : { content: content === '' ? null : content, tool_calls: calls }
}

function userContent(content: string, parts: readonly MessagePart[]) {
  if (!parts.some(({ type }) => type === 'file')) return content
  return parts.flatMap((part): (TextItem | ImageItem | FileItem)[] => {
    if (part.type === 'text' && part.text !== '') return [{ type: 'text', text: part.text }]
    return part.type === 'file' ? [toFileItem(part)] : []
  })
}

function toFileItem({ url, mediaType, filename }: FilePart): ImageItem | FileItem {
  if (mediaType.startsWith('image/')) return { type: 'image_url', image_url: { url } }
  return { type: 'file', file: { file_data: url, ...(filename !== undefined && { filename }) } }
}

function toToolCall({ toolCallId, toolName, arguments: text }: ToolCallPart): ToolCall {
  return { id: toolCallId, type: 'function', function: { name: toolName, arguments: text } }
}

function toToolMessage({ toolCallId, output }: ToolResultPart): ChatMessage {
  return { role: 'tool', tool_call_id: toolCallId, content: output }
}

/** The API refuses names with spaces and a few signs, and over 64 characters. */
function chatName(author: string): string {
  return author.replaceAll(/[\s<|\\/>]/g, '_').slice(0, 64)
}
