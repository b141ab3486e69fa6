import type { FilePart, Message, MessagePart, ToolCallPart } from '../memory/message.ts'
import { contentOf } from '../memory/message.ts'

const REDACTED = '[redacted]'
const NO_RESULT = '[no result]'

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
interface ToolAnswer {
  role: 'tool'
  tool_call_id: string
  content: string
}

/** A message as chat completions APIs take it. */
export type ChatMessage =
  | { role: 'system' | 'developer'; content: string; name?: string }
  | { role: 'user'; content: string | (TextItem | ImageItem | FileItem)[]; name?: string }
  | { role: 'assistant'; content: string | null; name?: string; tool_calls?: ToolCall[] }
  | ToolAnswer

/**
 * The messages ready to be sent to a chat completions API. Directly behind a message with calls comes one
 * result for each of them: the newest that names the call, wherever it stands before another call of that
 * id, or `[no result]`; a result without a call is left out; arguments that are no JSON object read `{}`.
 * Files go by their URL; reasoning and data are left out, since the API takes neither, and a message that says nothing
 * else with them, since strict servers refuse it; what was redacted reads `[redacted]` and keeps its calls.
 */
export function toChatMessages(messages: readonly Message[]): ChatMessage[] {
  // Servers without ids count from zero in every turn, so an id means its newest call.
  const answers = new Map<string, ToolAnswer>()
  return messages.flatMap((message) => toChatMessage(message, answers)).filter(saysSomething)
}

/** A result may be empty, and so may the content beside calls. */
function saysSomething(message: ChatMessage): boolean {
  if (message.role === 'tool' || (message.role === 'assistant' && message.tool_calls !== undefined)) return true
  return typeof message.content === 'string' ? message.content.trim() !== '' : (message.content ?? []).length > 0
}

function toChatMessage(message: Message, answers: Map<string, ToolAnswer>): ChatMessage[] {
  const { role, author } = message
  const parts = message.status === 'REDACTED' ? message.parts.map(redact) : message.parts
  const content = message.status === 'REDACTED' ? REDACTED : contentOf(parts)
  const name = author === undefined ? {} : { name: chatName(author) }
  const results = placeResults(parts, answers)
  if (role === 'TOOL') return []
  if (role === 'ASSISTANT') return [{ role: 'assistant', ...assistantContent(content, parts), ...name }, ...results]
  if (role === 'USER') return [{ role: 'user', content: userContent(content, parts), ...name }]
  return [{ role: role === 'SYSTEM' ? 'system' : 'developer', content, ...name }]
}

/** Gives the results to their calls; returns the answers of this message's own calls, which later results fill. */
function placeResults(parts: readonly MessagePart[], answers: Map<string, ToolAnswer>): ToolAnswer[] {
  return parts.flatMap((part) => {
    if (part.type === 'toolResult') {
      const answer = answers.get(part.toolCallId)
      if (answer !== undefined) answer.content = part.output
    }
    if (part.type !== 'toolCall') return []
    const answer: ToolAnswer = { role: 'tool', tool_call_id: part.toolCallId, content: NO_RESULT }
    answers.set(part.toolCallId, answer)
    return [answer]
  })
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
  return {
    id: toolCallId,
    type: 'function',
    function: { name: chatToolName(toolName), arguments: isObject(text) ? text : '{}' },
  }
}

/** Servers that read the arguments refuse what is no JSON, and some what is no object: llama.cpp by a status of 500. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** The API refuses names with spaces and a few signs, and over 64 characters. */
function chatName(author: string): string {
  return author.replaceAll(/[\s<|\\/>]/g, '_').slice(0, 64)
}

/** The API takes letters, digits, `_` and `-`, at most 64; tools of other programs have names such as `web.run`. */
function chatToolName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'tool'
}
