import { BadUserInputError } from '../../errors.ts'
import type { ContextRequest } from '../context.ts'
import type { ConversationChanges, NewConversation } from '../conversation.ts'
import type { MessagePart, Metadata, NewMessage, Role } from '../message.ts'
import { ENCODING_NAMES, isEncoding } from '../tokens/encoding.ts'
import { checkFinite } from './check-json.ts'
import { bytesOfParts, checkPart } from './check-part.ts'
import { checkId, checkName, checkText } from './check-text.ts'

/*
 * API input is checked in one style: a function named checkX throws BadUserInputError, which names the field as the
 * client wrote it, the limit and what was given. It checks values whose types the GraphQL schema has checked, returns
 * nothing and reads no store. Bytes come before the content, so that what is too large costs no walk.
 */

/** Limits that a deployment sets. */
export interface InputLimits {
  maxContextTokens: number
  maxMessageBytes: number
}

/** Longest title, in UTF-16 units. */
export const MAX_TITLE_LENGTH = 512
const MAX_INSTRUCTIONS_LENGTH = 65_536
const MAX_ANCHOR = 0.5
const MAX_BATCH_MESSAGES = 1_000
/** So many parts a message that is sent may have. */
export const MAX_PARTS = 100
const MAX_METADATA_KEYS = 16
const MAX_METADATA_KEY_LENGTH = 64
const MAX_METADATA_VALUE_LENGTH = 512
/** The last millisecond that a date can name in four digits of a year. */
export const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Throws BadUserInputError unless the budget and the anchor are in their ranges; `budget` is the budget's field. */
export function checkContextRequest(
  request: Pick<ContextRequest, 'maxTokens' | 'anchor'>,
  limits: Pick<InputLimits, 'maxContextTokens'>,
  budget = 'maxTokens',
): void {
  const { maxTokens, anchor } = request
  if (!Number.isInteger(maxTokens) || maxTokens < 1 || maxTokens > limits.maxContextTokens) {
    throw new BadUserInputError(budget, `from 1 to ${limits.maxContextTokens}`, String(maxTokens))
  }
  if (!(anchor >= 0 && anchor <= MAX_ANCHOR)) {
    throw new BadUserInputError('anchor', `from 0 to ${MAX_ANCHOR}`, String(anchor))
  }
}

/** Throws BadUserInputError unless a conversation can be created like this; `now` in epoch milliseconds. */
export function checkNewConversation(input: NewConversation, now: number): void {
  const { externalId, encoding, title, model, instructions, metadata, expiresAt } = input
  if (externalId !== undefined) checkId('externalId', externalId)
  if (encoding !== undefined && !isEncoding(encoding)) {
    throw new BadUserInputError(
      'encoding',
      `one of ${ENCODING_NAMES.join(', ')}`,
      JSON.stringify(encoding.slice(0, 64)),
    )
  }
  checkSettings({ title, model, instructions, metadata, expiresAt }, now)
}

/** Throws BadUserInputError unless a conversation can be changed like this; `now` in epoch milliseconds. */
export function checkChanges(changes: ConversationChanges, now: number): void {
  checkSettings(changes, now)
}

/** Throws BadUserInputError unless these messages can be appended in one call. Fields are named by their index. */
export function checkNewMessages(messages: readonly NewMessage[], limits: Pick<InputLimits, 'maxMessageBytes'>): void {
  if (messages.length < 1 || messages.length > MAX_BATCH_MESSAGES) {
    throw new BadUserInputError('messages', `from 1 to ${MAX_BATCH_MESSAGES} messages`, String(messages.length))
  }
  const clientIds = new Set<string>()
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`
    checkNewMessage(field, message, limits.maxMessageBytes)
    const id = message.clientMessageId
    if (id === undefined) continue
    if (clientIds.has(id)) {
      throw new BadUserInputError(`${field}.clientMessageId`, 'unlike every other in the call', JSON.stringify(id))
    }
    clientIds.add(id)
  }
}

/** Throws BadUserInputError unless the message can be stored. `field` is where it is in the input; `''`: it is the input. */
export function checkNewMessage(field: string, message: NewMessage, maxMessageBytes: number): void {
  const { role, parts, clientMessageId, author, metadata, createdAt } = message
  const at = (name: string) => (field === '' ? name : `${field}.${name}`)
  if (clientMessageId !== undefined) checkId(at('clientMessageId'), clientMessageId)
  if (author !== undefined) checkName(at('author'), author)
  if (metadata !== undefined) checkMetadata(at('metadata'), metadata)
  if (createdAt !== undefined && !(createdAt >= 0 && createdAt <= MAX_TIME)) {
    throw new BadUserInputError(at('createdAt'), 'from 1970 to 9999', timeText(createdAt))
  }
  if (parts.length < 1 || parts.length > MAX_PARTS) {
    throw new BadUserInputError(at('parts'), `from 1 to ${MAX_PARTS} parts`, String(parts.length))
  }
  const bytes = bytesOfParts(parts)
  if (bytes > maxMessageBytes) {
    throw new BadUserInputError(field || 'content', `at most ${maxMessageBytes} bytes`, `${bytes} bytes`)
  }
  for (const [index, part] of parts.entries()) checkPart(at(`parts[${index}]`), part)
  checkRole(at, role, parts)
}

/** Throws BadUserInputError unless one can be a version of the other: both are said by the same role. */
export function checkVersion(field: string, role: Role, replacedRole: Role): void {
  if (role !== replacedRole) {
    throw new BadUserInputError(field, `${replacedRole}, as that of the message it replaces`, role)
  }
}

/** Throws BadUserInputError unless the metadata is flat and within its bounds. */
export function checkMetadata(field: string, metadata: Metadata): void {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new BadUserInputError(field, 'an object', Array.isArray(metadata) ? 'a list' : typeof metadata)
  }
  const entries = Object.entries(metadata)
  if (entries.length > MAX_METADATA_KEYS) {
    throw new BadUserInputError(field, `at most ${MAX_METADATA_KEYS} keys`, String(entries.length))
  }
  for (const [key, value] of entries) {
    checkText(`${field} keys`, key, 1, MAX_METADATA_KEY_LENGTH)
    const at = `${field}.${key}`
    if (typeof value === 'string') checkText(at, value, 0, MAX_METADATA_VALUE_LENGTH)
    else if (typeof value === 'number') checkFinite(at, value)
    else if (typeof value === 'object' && value !== null) {
      throw new BadUserInputError(
        at,
        'a string, a number, a boolean or null',
        Array.isArray(value) ? 'a list' : 'an object',
      )
    }
  }
}

type Settings = { [K in keyof ConversationChanges]: ConversationChanges[K] | undefined }

function checkSettings(settings: Settings, now: number): void {
  const { title, model, instructions, metadata, expiresAt } = settings
  if (title != null) checkText('title', title, 0, MAX_TITLE_LENGTH)
  if (model != null) checkName('model', model)
  if (instructions != null) checkText('instructions', instructions, 0, MAX_INSTRUCTIONS_LENGTH, 'NUL')
  if (metadata != null) checkMetadata('metadata', metadata)
  if (expiresAt != null && !(expiresAt > now && expiresAt <= MAX_TIME)) {
    throw new BadUserInputError('expiresAt', 'in the future', timeText(expiresAt))
  }
}

/** What a chat completions API could not be sent: calls by others than the model, tool messages without a result. */
function checkRole(at: (name: string) => string, role: NewMessage['role'], parts: readonly MessagePart[]): void {
  if (role !== 'ASSISTANT' && parts.some(({ type }) => type === 'toolCall')) {
    throw new BadUserInputError(at('role'), 'ASSISTANT when a part is a tool call', role)
  }
  if (role === 'TOOL' && !parts.some(({ type }) => type === 'toolResult')) {
    throw new BadUserInputError(at('parts'), 'at least one tool result when the role is TOOL', 'none')
  }
}

function timeText(time: number): string {
  return Number.isFinite(time) ? (new Date(time).toJSON() ?? String(time)) : String(time)
}
