import { isDeepStrictEqual } from 'node:util'
import type { FinishReason, MessageDraft, MessagePart, MessageStatus, Role, Usage } from '../../memory/message.ts'
import { contentOf } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import {
  type JsonObject,
  optional,
  readAmount,
  readFields,
  readFlag,
  readMetadata,
  readObject,
  readText,
  readTime,
  readWordOf,
} from '../json-fields.ts'
import { decodeParts } from '../message-parts.ts'
import {
  decodeContent,
  decodeFunctionCall,
  decodeTextContent,
  decodeToolCalls,
  encodeContent,
  encodeToolCalls,
} from './openai-content.ts'

/** What a message in a file says: a draft without what belongs to one store, perhaps without its time. */
export type FileMessage = Omit<MessageDraft, 'createdAt' | 'clientMessageId' | 'replyId' | 'replyTo'> & {
  /** Epoch milliseconds. */
  createdAt?: number
}

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const
const STATUSES: readonly MessageStatus[] = ['COMPLETE', 'INTERRUPTED', 'FAILED', 'REDACTED']
const FINISH_REASONS: readonly FinishReason[] = ['STOP', 'LENGTH', 'TOOL_CALLS', 'CONTENT_FILTER']

/** The field that holds what the chat completions format has no place for, in messages and in conversations. */
export const OWN_FIELD = 'backscroll'

/**
 * A message of the chat completions format, or one that `encodeMessage` wrote. `functionCallId` is the id
 * that a call in the older format gets, and the result that belongs to it. Throws BadUserInputError.
 */
export function decodeMessage(field: string, value: unknown, functionCallId: string): FileMessage {
  const message = readObject(field, value)
  const { get, maybe } = readFields(field, message)
  const wireRole = get('role', readWordOf(ROLES))
  const isTool = wireRole === 'tool' || wireRole === 'function'
  const name = maybe('name', readText)
  const { parts, author, ...own } = maybe(OWN_FIELD, decodeOwn) ?? {}
  const decode = isTool ? decodeResult : decodeSaid
  return omitUndefined({
    status: 'COMPLETE' as const,
    ...own,
    role: isTool ? ('TOOL' as const) : (wireRole.toUpperCase() as Role),
    parts: parts ?? decode(field, message, functionCallId),
    author: author ?? (isTool ? undefined : name),
    createdAt: maybe('createdAt', readTime),
  })
}

/**
 * A message in the chat completions format, with what that has no place for beside it: `id` if it is not known
 * by its index. `decodeMessage` gives back the same message, whatever it is.
 */
export function encodeMessage(message: MessageDraft, id?: string): JsonObject {
  const { role, parts, author, createdAt, metadata, status, finishReason, usage, model } = message
  const isTool = role === 'TOOL'
  const wire: JsonObject = {
    role: role.toLowerCase(),
    ...(isTool
      ? encodeResult(parts)
      : { content: encodeContent(parts), tool_calls: encodeToolCalls(parts), name: author }),
    createdAt: new Date(createdAt).toISOString(),
  }
  const own = omitUndefined({
    id,
    status: status === 'COMPLETE' ? undefined : status,
    author: isTool ? author : undefined,
    metadata,
    finishReason,
    usage,
    model,
    parts: saysAll(wire, parts) ? undefined : parts,
  })
  return Object.keys(own).length > 0 ? { ...wire, [OWN_FIELD]: own } : wire
}

function saysAll(wire: JsonObject, parts: readonly MessagePart[]): boolean {
  try {
    return isDeepStrictEqual(decodeMessage('message', wire, '').parts, parts)
  } catch {
    return false
  }
}

function decodeOwn(field: string, value: unknown) {
  const { maybe } = readFields(field, value)
  return omitUndefined({
    status: maybe('status', readWordOf(STATUSES)),
    author: maybe('author', readText),
    metadata: maybe('metadata', readMetadata),
    finishReason: maybe('finishReason', readWordOf(FINISH_REASONS)),
    usage: maybe('usage', decodeUsage),
    model: maybe('model', readText),
    parts: maybe('parts', decodeParts),
  })
}

function decodeSaid(field: string, message: JsonObject, functionCallId: string): MessagePart[] {
  const calls: MessagePart[] = optional(decodeToolCalls, `${field}.tool_calls`, message.tool_calls) ?? []
  if (message.function_call != null) {
    calls.push(decodeFunctionCall(`${field}.function_call`, message.function_call, functionCallId))
  }
  // The API answers with an empty content or none beside calls and refusals.
  const content = message.content || (message.refusal ?? message.content)
  if (calls.length > 0 && (content == null || content === '')) return calls
  return [...decodeContent(`${field}.content`, content), ...calls]
}

function decodeResult(field: string, message: JsonObject, functionCallId: string): MessagePart[] {
  const { role, name, tool_call_id: id } = message
  const toolCallId = role === 'function' ? functionCallId : readText(`${field}.tool_call_id`, id)
  const toolName = optional(readText, `${field}.name`, name)
  const output = decodeTextContent(`${field}.content`, message.content)
  return [{ type: 'toolResult', toolCallId, ...omitUndefined({ toolName }), output }]
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
