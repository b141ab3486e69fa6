import { isDeepStrictEqual } from 'node:util'
import type { FinishReason, MessageDraft, MessagePart, MessageStatus, Role, Usage } from '../../memory/message.ts'
import { contentOf } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { FileMessage } from '../file-conversation.ts'
import {
  isObject,
  type JsonObject,
  type Read,
  readAmount,
  readFields,
  readFlag,
  readMetadata,
  readText,
  readTime,
  readWordOf,
  textOf,
  timeOf,
} from '../json-fields.ts'
import { decodeParts } from '../message-parts.ts'
import { createNotes, type Notes } from '../notes.ts'
import { decodeContent, decodeFunctionCall, decodeToolCalls, encodeContent, encodeToolCalls } from './openai-content.ts'

const ROLES = new Map<unknown, Role>([
  ['system', 'SYSTEM'],
  ['developer', 'DEVELOPER'],
  ['user', 'USER'],
  ['assistant', 'ASSISTANT'],
  ['tool', 'TOOL'],
  ['function', 'TOOL'],
])
const STATUSES: readonly MessageStatus[] = ['COMPLETE', 'INTERRUPTED', 'FAILED', 'REDACTED']
const FINISH_REASONS: readonly FinishReason[] = ['STOP', 'LENGTH', 'TOOL_CALLS', 'CONTENT_FILTER']

/** The field that holds what the chat completions format has no place for, in messages and in conversations. */
export const OWN_FIELD = 'backscroll'

/** What that field says of a conversation: its settings and times. */
export function decodeOwnFields(field: string, value: unknown) {
  const { maybe } = readFields(field, value)
  const settings = omitUndefined({
    model: maybe('model', readText),
    instructions: maybe('instructions', readText),
    encoding: maybe('encoding', readText),
    metadata: maybe('metadata', readMetadata),
    expiresAt: maybe('expiresAt', readTime),
  })
  return { settings, archivedAt: maybe('archivedAt', readTime), lastMessageAt: maybe('lastMessageAt', readTime) }
}

/**
 * A message of the chat completions format, or one that `encodeMessage` wrote: as much as can be read. `functionCallId`
 * is the id that a call in the older format gets, and the result that belongs to it. Undefined where nobody says it.
 */
export function decodeMessage(
  place: string,
  value: unknown,
  functionCallId: string,
  notes: Notes,
): FileMessage | undefined {
  const role = isObject(value) ? ROLES.get(value.role) : undefined
  if (!isObject(value) || role === undefined) {
    notes.loss(place, `a message whose role is not one of ${[...ROLES.keys()].join(', ')}: left out`)
    return undefined
  }
  const { parts, author, ...own } = decodeOwn(`${place}.${OWN_FIELD}`, value[OWN_FIELD], notes)
  const decode = role === 'TOOL' ? decodeResult : decodeSaid
  const createdAt = timeOf(value.createdAt)
  if (createdAt === undefined && value.createdAt != null) notes.change(place, 'a time that is none: left out')
  return omitUndefined({
    status: 'COMPLETE' as const,
    ...own,
    role,
    parts: parts ?? decode(place, value, functionCallId, notes),
    author: author ?? (role === 'TOOL' ? undefined : textOf(value.name)),
    createdAt,
  })
}

/**
 * A message in the chat completions format, with what that has no place for beside it, `own` included. `decodeMessage`
 * gives back the same message, whatever it is.
 */
export function encodeMessage(message: MessageDraft, own: JsonObject = {}): JsonObject {
  const { role, parts, author, createdAt, metadata, status, finishReason, usage, model } = message
  const isTool = role === 'TOOL'
  const wire: JsonObject = {
    role: role.toLowerCase(),
    ...(isTool
      ? encodeResult(parts)
      : { content: encodeContent(parts), tool_calls: encodeToolCalls(parts), name: author }),
    createdAt: new Date(createdAt).toISOString(),
  }
  const fields = omitUndefined({
    ...own,
    status: status === 'COMPLETE' ? undefined : status,
    author: isTool ? author : undefined,
    metadata,
    finishReason,
    usage,
    model,
    parts: saysAll(wire, parts) ? undefined : parts,
  })
  return Object.keys(fields).length > 0 ? { ...wire, [OWN_FIELD]: fields } : wire
}

function saysAll(wire: JsonObject, parts: readonly MessagePart[]): boolean {
  return isDeepStrictEqual(decodeMessage('message', wire, '', createNotes([]))?.parts, parts)
}

/** The fields of our own that a message has; each that cannot be read is left out. */
function decodeOwn(place: string, value: unknown, notes: Notes) {
  if (value == null) return {}
  const { maybe } = readFields(place, isObject(value) ? value : {})
  const read = <T>(name: string, as: Read<T>): T | undefined => {
    try {
      return maybe(name, as)
    } catch (error) {
      notes.loss((error as Error).message, `a field of "${OWN_FIELD}" that cannot be read: left out`)
      return undefined
    }
  }
  return omitUndefined({
    status: read('status', readWordOf(STATUSES)),
    author: read('author', readText),
    metadata: read('metadata', readMetadata),
    finishReason: read('finishReason', readWordOf(FINISH_REASONS)),
    usage: read('usage', decodeUsage),
    model: read('model', readText),
    parts: read('parts', decodeParts),
  })
}

function decodeSaid(place: string, message: JsonObject, functionCallId: string, notes: Notes): MessagePart[] {
  const { tool_calls, function_call, refusal } = message
  const calls: MessagePart[] = tool_calls == null ? [] : decodeToolCalls(place, tool_calls, notes)
  if (function_call != null) calls.push(decodeFunctionCall(function_call, functionCallId))
  const thought = textOf(message.reasoning_content) ?? textOf(message.reasoning)
  const thoughts: MessagePart[] = thought === undefined ? [] : [{ type: 'reasoning', text: thought }]
  // The API answers with an empty content or none beside calls and refusals.
  const content = message.content || (refusal ?? message.content)
  const others = [...thoughts, ...calls]
  if (others.length > 0 && (content == null || content === '')) return others
  return [...thoughts, ...decodeContent(place, content, notes), ...calls]
}

/** What a result holds beside text stands behind it. */
function decodeResult(place: string, message: JsonObject, functionCallId: string, notes: Notes): MessagePart[] {
  const { role, name, tool_call_id: id, content } = message
  const toolCallId = role === 'function' ? functionCallId : textOf(id)
  if (toolCallId === undefined) notes.change(place, 'the result of a tool without the id of its call')
  const given = isObject(content) ? JSON.stringify(content) : content
  const parts = decodeContent(place, given, notes)
  const others = parts.filter(({ type }) => type !== 'text')
  const result = {
    toolCallId: toolCallId ?? place,
    ...omitUndefined({ toolName: textOf(name) }),
    output: contentOf(parts),
  }
  return [{ type: 'toolResult', ...result }, ...others]
}

function encodeResult(parts: readonly MessagePart[]): JsonObject {
  const result = parts.find((part) => part.type === 'toolResult')
  if (result === undefined) return { content: contentOf(parts) }
  return { tool_call_id: result.toolCallId, name: result.toolName, content: result.output }
}

function decodeUsage(field: string, value: unknown): Usage {
  const { get, maybe } = readFields(field, value)
  return omitUndefined({
    promptTokens: get('promptTokens', readAmount),
    completionTokens: get('completionTokens', readAmount),
    cachedPromptTokens: maybe('cachedPromptTokens', readAmount),
    reasoningTokens: maybe('reasoningTokens', readAmount),
    estimated: get('estimated', readFlag),
  })
}
