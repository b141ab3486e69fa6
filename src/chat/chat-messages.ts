import type { FilePart, Json, Message, MessagePart } from '../memory/message.ts'
import { contentOf } from '../memory/message.ts'
import { createToolAnswers, type ToolAnswer, type ToolAnswers } from './tool-answers.ts'

const REDACTED = '[redacted]'
const NO_TEXT = '[no text]'
const THOUGHT_TAGS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
] as const

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
  /** What the provider wants back with the call. */
  [state: string]: Json
}
/** A message as chat completions APIs take it. */
export type ChatMessage =
  | { role: 'system' | 'developer'; content: string; name?: string }
  | { role: 'user'; content: string | (TextItem | ImageItem | FileItem)[]; name?: string }
  | {
      role: 'assistant'
      content: string | null
      name?: string
      tool_calls?: ToolCall[]
      /** What the provider wants back with the message. */
      [state: string]: Json | ToolCall[] | undefined
    }
  | ToolAnswer

/**
 * The messages ready to be sent to a chat completions API. Directly behind a message with calls comes one
 * result for each of them: the newest that names the call, wherever it stands before another message that calls by that
 * id, or `[no result]`; a result without a call is left out; arguments that are no JSON object read `{}`. No id is there
 * twice: one that repeats is written otherwise, and where one message has it twice, results go to its calls in their
 * order.
 * Files go by their URL; reasoning and data are left out, since the API takes neither, and a message that says nothing
 * else with them, since strict servers refuse it; what was redacted reads `[redacted]` and keeps its calls.
 */
export function toChatMessages(messages: readonly Message[], target: PromptTarget = {}): ChatMessage[] {
  const answers = createToolAnswers()
  const chat = messages.flatMap((message) => toChatMessage(message, answers, target))
  const last = chat.at(-1)
  // A question is asked also where it says nothing that can be sent.
  if (last?.role === 'user' && !saysSomething(last)) last.content = NO_TEXT
  return chat.filter(saysSomething)
}

/** Who gets the messages. What a provider wants back goes to the provider and the model that gave it, and to no other. */
export interface PromptTarget {
  model?: string | undefined
  provider?: string | undefined
  /** Names of tools that are the application's to choose, since the request describes them. */
  toolNames?: ReadonlySet<string>
}

/** A result may be empty, and so may the content beside calls. */
function saysSomething(message: ChatMessage): boolean {
  if (message.role === 'tool' || (message.role === 'assistant' && message.tool_calls !== undefined)) return true
  return typeof message.content === 'string' ? message.content.trim() !== '' : (message.content ?? []).length > 0
}

function toChatMessage(message: Message, answers: ToolAnswers, target: PromptTarget): ChatMessage[] {
  const { role, author } = message
  const parts = message.status === 'REDACTED' ? message.parts.map(redact) : message.parts
  const content = message.status === 'REDACTED' ? REDACTED : contentOf(parts)
  const name = author === undefined ? {} : { name: chatName(author) }
  const results = answers.take(parts)
  if (role === 'TOOL') return []
  if (role === 'ASSISTANT') {
    const calls = toToolCalls(message, parts, results, target)
    const state = messageState(message, target, calls.length > 0)
    return [{ role: 'assistant', ...assistantContent(withoutThoughts(content), calls), ...name, ...state }, ...results]
  }
  if (role === 'USER') return [{ role: 'user', content: userContent(content, parts), ...name }]
  return [{ role: role === 'SYSTEM' ? 'system' : 'developer', content, ...name }]
}

function redact(part: MessagePart): MessagePart {
  if (part.type === 'toolCall') return { ...part, arguments: '{}' }
  if (part.type === 'toolResult') return { ...part, output: REDACTED }
  return { type: 'text', text: '' }
}

/** Content may be null only beside tool calls. */
function assistantContent(content: string, calls: ToolCall[]) {
  return calls.length === 0 ? { content } : { content: content.trim() === '' ? null : content, tool_calls: calls }
}

function userContent(content: string, parts: readonly MessagePart[]) {
  if (!parts.some(({ type }) => type === 'file')) return content
  return parts.flatMap((part): (TextItem | ImageItem | FileItem)[] => {
    if (part.type === 'text' && part.text.trim() !== '') return [{ type: 'text', text: part.text }]
    return part.type === 'file' ? [toFileItem(part)] : []
  })
}

function toFileItem({ url, mediaType, filename }: FilePart): ImageItem | FileItem {
  if (mediaType.startsWith('image/')) return { type: 'image_url', image_url: { url } }
  return { type: 'file', file: { file_data: url, ...(filename !== undefined && { filename }) } }
}

/** The calls of a message under the ids of their results. */
function toToolCalls(
  message: Message,
  parts: readonly MessagePart[],
  results: readonly ToolAnswer[],
  target: PromptTarget,
): ToolCall[] {
  const calls = parts.filter((part) => part.type === 'toolCall')
  return calls.map((call, index) => {
    const { toolCallId, toolName, arguments: text } = call
    const name = target.toolNames?.has(toolName) ? toolName : chatToolName(toolName)
    const id = results[index]?.tool_call_id ?? toolCallId
    const state = stateOf(message, call, target).call
    return { ...state, id, type: 'function', function: { name, arguments: isObject(text) ? text : '{}' } }
  })
}

/** What the provider wants back with a message; its reasoning too where that led to calls. */
function messageState(message: Message, target: PromptTarget, hasCalls: boolean): { [field: string]: Json } {
  let found: { [field: string]: Json } = {}
  for (const part of message.parts) {
    const { message: kept, reasoning } = stateOf(message, part, target)
    const isSentBack = hasCalls && part.type === 'reasoning' && typeof reasoning === 'string'
    found = { ...found, ...kept, ...(isSentBack && { [reasoning]: part.text }) }
  }
  return found
}

/** What was kept of a part for this target. */
function stateOf(
  { model, status }: Message,
  { providerMetadata }: MessagePart,
  target: PromptTarget,
): { [K in 'message' | 'call']?: { [field: string]: Json } } & { reasoning?: Json } {
  const kept = (providerMetadata ?? {}) as { [field: string]: Json }
  const isItsOwn = model !== undefined && model === target.model && kept.provider === target.provider
  return isItsOwn && target.provider !== undefined && status !== 'REDACTED' ? kept : {}
}

/** Thoughts in tags at the beginning of an answer: their models' makers say not to send them again. */
function withoutThoughts(content: string): string {
  const said = content.trimStart()
  const tag = THOUGHT_TAGS.find(([open]) => said.startsWith(open))
  const end = tag ? said.indexOf(tag[1]) : -1
  return tag && end >= 0 ? said.slice(end + tag[1].length).trimStart() : content
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
