import type { FinishReason, MessagePart, Role } from '../../memory/message.ts'
import { contentOf } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import {
  isObject,
  type JsonObject,
  optional,
  readAny,
  readFields,
  readObject,
  readText,
  readTime,
  readWordOf,
} from '../json-fields.ts'
import type { FileMessage } from '../openai/openai-message.ts'
import { decodeChatGptContent } from './chatgpt-content.ts'

/** A message of a ChatGPT export, before it is known what stands around it. */
export interface ChatGptMessage extends FileMessage {
  /** The tool that a model's message speaks to, or whose result the message is. */
  tool?: string
}

/** How a message stands to a tool: see `placeTools`. */
export type ToolPlacement = { type: 'CALL' } | { type: 'RESULT'; callId: string } | { type: 'ALONE' }

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const
/** What people set for all their conversations; nobody says it in this one. */
const SETTING_TYPES: readonly unknown[] = ['user_editable_context', 'model_editable_context']
const FINISH_REASONS: Record<string, FinishReason> = { stop: 'STOP', max_tokens: 'LENGTH' }
/** Where the export does not say which tool it was. */
const ANY_TOOL = 'tool'

/**
 * A message of a ChatGPT export, without parts where it says nothing. Undefined for what the app keeps
 * there for itself: hidden system messages, and settings. Throws BadUserInputError.
 */
export function decodeChatGptMessage(field: string, value: unknown): ChatGptMessage | undefined {
  const { get, maybe } = readFields(field, value)
  const author = get('author', readFields)
  const role = author.get('role', readWordOf(ROLES)).toUpperCase() as Role
  const metadata = maybe('metadata', readObject) ?? {}
  const content = maybe('content', readObject) ?? {}
  const isHidden = metadata.is_visually_hidden_from_conversation === true || get('weight', readAny) === 0
  if ((role === 'SYSTEM' && isHidden) || SETTING_TYPES.includes(content.content_type)) return undefined
  const name = author.maybe('name', readText) || undefined
  const recipient = maybe('recipient', readText) || 'all'
  const calledTool = role === 'ASSISTANT' && recipient !== 'all' ? recipient : undefined
  return omitUndefined({
    ...decodeEnd(role, metadata),
    role,
    parts: decodeChatGptContent(`${field}.content`, content),
    createdAt: maybe('create_time', readTime),
    author: role === 'TOOL' ? undefined : name,
    model: role === 'ASSISTANT' ? optional(readText, `${field}.metadata.model_slug`, metadata.model_slug) : undefined,
    tool: role === 'TOOL' ? (name ?? ANY_TOOL) : calledTool,
  })
}

function decodeEnd(role: Role, { finish_details: details }: JsonObject): Pick<FileMessage, 'status' | 'finishReason'> {
  const type = isObject(details) ? String(details.type) : ''
  const finishReason = role === 'ASSISTANT' ? FINISH_REASONS[type] : undefined
  return omitUndefined({
    status: type === 'interrupted' ? ('INTERRUPTED' as const) : ('COMPLETE' as const),
    finishReason,
  })
}

/**
 * The message as it is stored. Chat APIs take a call only with its one result behind it. So a CALL's text
 * becomes its arguments, a RESULT answers it, and what a tool says ALONE (further messages for the same
 * call, say) becomes a model's message that holds a call and the result. A call that nothing answers
 * stays the text that the model wrote.
 */
export function placeTools(id: string, { tool, ...message }: ChatGptMessage, placement: ToolPlacement): FileMessage {
  const { role, parts } = message
  if (tool === undefined || (role === 'ASSISTANT' && placement.type !== 'CALL')) return message
  const text = contentOf(parts)
  const others = parts.filter(({ type }) => type !== 'text')
  const call = (input: string): MessagePart => ({ type: 'toolCall', toolCallId: id, toolName: tool, arguments: input })
  if (role === 'ASSISTANT') return { ...message, parts: [call(toArguments(text)), ...others] }
  const toolCallId = placement.type === 'RESULT' ? placement.callId : id
  const result: MessagePart = { type: 'toolResult', toolCallId, toolName: tool, output: text }
  if (placement.type === 'RESULT') return { ...message, parts: [result, ...others] }
  return { ...message, role: 'ASSISTANT', parts: [call('{}'), result, ...others] }
}

/** Arguments are the JSON of an object; other text, such as code, goes under the name that such tools have for it. */
function toArguments(text: string): string {
  try {
    if (isObject(JSON.parse(text))) return text
  } catch {
    // No JSON.
  }
  return JSON.stringify({ input: text })
}
