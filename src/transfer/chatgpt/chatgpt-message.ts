import type { FinishReason, MessagePart, Role } from '../../memory/message.ts'
import { contentOf } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { FileMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, objectOf, textOf, timeOf } from '../json-fields.ts'
import type { Notes } from '../notes.ts'
import { decodeChatGptContent } from './chatgpt-content.ts'
import { readMarks } from './chatgpt-marks.ts'

/** A message of a ChatGPT export, before it is known what stands around it. */
export interface ChatGptMessage extends FileMessage {
  /** The tool that a model's message speaks to, or whose result the message is. */
  tool?: string
  isHidden?: boolean
}

/** How a message stands to a tool: see `placeTools`. */
export type ToolPlacement = { type: 'CALL' } | { type: 'RESULT'; callId: string } | { type: 'ALONE' }

const ROLES = new Map<unknown, Role>([
  ['system', 'SYSTEM'],
  ['developer', 'DEVELOPER'],
  ['user', 'USER'],
  ['assistant', 'ASSISTANT'],
  ['tool', 'TOOL'],
])
/** What people set for all their conversations; nobody says it in this one. */
const SETTING_TYPES: readonly unknown[] = ['user_editable_context', 'model_editable_context']
const FINISH_REASONS = new Map<unknown, FinishReason>([
  ['stop', 'STOP'],
  ['max_tokens', 'LENGTH'],
])
/** Where the export does not say which tool it was. */
const ANY_TOOL = 'tool'

/**
 * A message of a ChatGPT export, without parts where it says nothing; `model` is the conversation's. Undefined for what
 * the app does not show as said: hidden messages, settings, and for how long a model thought.
 */
export function decodeChatGptMessage(
  place: string,
  value: unknown,
  model: string | undefined,
  notes: Notes,
): ChatGptMessage | undefined {
  const message = objectOf(value)
  const author = objectOf(message.author)
  const role = ROLES.get(author.role)
  if (role === undefined) {
    notes.loss(place, `a message whose role is not one of ${[...ROLES.keys()].join(', ')}: left out`)
    return undefined
  }
  const metadata = objectOf(message.metadata)
  const content = objectOf(message.content)
  const recipient = textOf(message.recipient) ?? 'all'
  const name = textOf(author.name)
  const calledTool = role === 'ASSISTANT' && recipient !== 'all' ? recipient : undefined
  const isHidden = metadata.is_visually_hidden_from_conversation === true || (role === 'SYSTEM' && message.weight === 0)
  const why = reasonToLeaveOut(content.content_type, isHidden && role !== 'TOOL' && calledTool === undefined)
  if (why !== undefined) {
    notes.change(place, why)
    return undefined
  }
  const parts = decodeChatGptContent(place, content, notes)
  return omitUndefined({
    ...decodeEnd(role, message.status, metadata),
    role,
    parts: role === 'ASSISTANT' ? parts.flatMap(withoutMarks(metadata.content_references)) : parts,
    createdAt: readTime(message.create_time, place, notes),
    author: role === 'TOOL' ? undefined : name,
    model: role === 'ASSISTANT' ? (textOf(metadata.model_slug) ?? model) : undefined,
    tool: role === 'TOOL' ? (name ?? ANY_TOOL) : calledTool,
    isHidden: isHidden || undefined,
  })
}

function reasonToLeaveOut(contentType: unknown, isHidden: boolean): string | undefined {
  if (SETTING_TYPES.includes(contentType)) return 'settings of ChatGPT: left out'
  if (contentType === 'reasoning_recap') return 'for how long a model thought: left out'
  return isHidden ? 'hidden by ChatGPT: left out' : undefined
}

function withoutMarks(references: unknown): (part: MessagePart) => MessagePart[] {
  return (part) => {
    if (part.type !== 'text') return [part]
    const text = readMarks(part.text, references)
    return text === '' ? [] : [{ ...part, text }]
  }
}

function readTime(value: unknown, place: string, notes: Notes): number | undefined {
  const time = timeOf(value)
  if (time === undefined && value != null) notes.change(place, 'a time that is none: left out')
  return time
}

function decodeEnd(
  role: Role,
  status: unknown,
  { finish_details: details }: JsonObject,
): Pick<FileMessage, 'status' | 'finishReason'> {
  const type = isObject(details) ? details.type : undefined
  const isInterrupted = type === 'interrupted' || status === 'in_progress'
  return omitUndefined({
    status: isInterrupted ? ('INTERRUPTED' as const) : ('COMPLETE' as const),
    finishReason: role === 'ASSISTANT' ? FINISH_REASONS.get(type) : undefined,
  })
}

/**
 * The message as it is stored. Chat APIs take a call only with its one result behind it. So a CALL's text
 * becomes its arguments, a RESULT answers it, and what a tool says ALONE (further messages for the same
 * call, say) becomes a model's message that holds a call and the result. A call that nothing answers
 * stays the text that the model wrote, unless it was hidden.
 */
export function placeTools(
  id: string,
  { tool, isHidden, ...message }: ChatGptMessage,
  placement: ToolPlacement,
): FileMessage {
  const { role, parts } = message
  if (tool === undefined || (role === 'ASSISTANT' && placement.type !== 'CALL' && !isHidden)) return message
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
