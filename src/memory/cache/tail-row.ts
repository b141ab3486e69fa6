import type { Message, MessageDraft, MessagePart, Role } from '../message.ts'
import { isRowFields, type RowFields } from '../message-fields.ts'
import { MAX_POSITION, TAIL_LENGTH_PER_TOKEN } from './cache.ts'

/*
 * A row is the JSON values tokens, role, createdAt, content and more: sequence, position and id follow from
 * the tail's own `first`, `tokenStart` and forks. `more` holds whatever a plain text message has not, or is 0.
 * Rows are joined by ",\n": a tail's rows parse as one JSON array of all values (an array for each row takes
 * a third longer), and since JSON holds no raw newline, a reader and Redis' script find them without parsing.
 */
/** Between the rows of a tail. */
export const ROW_SEPARATOR = ',\n'

const ROLE_LETTERS: Record<Role, string> = { SYSTEM: 's', DEVELOPER: 'd', USER: 'u', ASSISTANT: 'a', TOOL: 't' }
/** A Map: a letter from outside finds `Object.prototype` in an object. */
const ROLES = new Map<unknown, Role>(Object.entries(ROLE_LETTERS).map(([role, letter]) => [letter, role as Role]))

/** The end of the year 9999, as for what clients append. */
const MAX_TIME = 253_402_300_799_999

type Row = [tokens: number, role: string, createdAt: number, content: string | 0, more: RowFields | 0]

/** So that a row is not copied for the number at its front. */
const MOST_TOKEN_DIGITS = 11

/** The values of a row. */
export const ROW_LENGTH = 5

/** Where a row's message stands. */
export type RowPlace = Pick<Message, 'id' | 'conversationId' | 'branch' | 'sequence' | 'tokenStart'>

/** One message as a row of a tail. */
export function encodeRow(message: Pick<Message, 'tokens'> & MessageDraft): string {
  const { tokens, role, createdAt, parts } = message
  const plain = plainText(parts)
  const row: Row = [tokens, ROLE_LETTERS[role], createdAt, plain ?? 0, moreOf(message, plain === undefined)]
  return JSON.stringify(row).slice(1, -1)
}

/**
 * Rows of messages that stand one behind the other, to be joined to a tail. What joining them is sure to trim away
 * again, since those behind it leave it no room, is no more than its tokens: messages of many MB would be written for nothing.
 */
export function encodeRows(messages: readonly Message[], tailTokens: number): string {
  const rows: string[] = []
  let tokens = 0
  let length = 0
  for (const message of messages.toReversed()) {
    tokens += message.tokens
    const hasRoom = tokens <= tailTokens && length <= TAIL_LENGTH_PER_TOKEN * tailTokens
    const row = hasRoom ? encodeRow(message) : `${message.tokens},"",0,0,0`
    length += row.length
    rows.push(row)
  }
  return joinRows(rows.reverse())
}

/** Not more than the characters of its row, at no cost. */
export function leastLength({ parts, metadata = {} }: Pick<MessageDraft, 'parts' | 'metadata'>): number {
  let length = 0
  for (const value of Object.values(metadata)) length += typeof value === 'string' ? value.length : 0
  for (const part of parts) length += 'text' in part ? part.text.length : 0
  return length
}

/** Rows as one text, as a tail holds them. */
export function joinRows(rows: readonly string[]): string {
  return rows.join(ROW_SEPARATOR)
}

/** The tokens of the row that begins there; no positive number where none does. */
export function tokensOfRow(rows: string, begin: number): number {
  return Number.parseInt(rows.slice(begin, begin + MOST_TOKEN_DIGITS), 10)
}

/** The row whose values begin there; throws when they are no row, or one that not every reader could take. */
export function decodeRow(values: readonly unknown[], at: number, place: RowPlace): Message {
  const tokens = values[at]
  const role = ROLES.get(values[at + 1])
  const createdAt = values[at + 2]
  const content = values[at + 3]
  const more = values[at + 4]
  if (!isWhole(tokens, MAX_POSITION) || tokens === 0 || role === undefined || !isWhole(createdAt, MAX_TIME)) {
    throw new TypeError('No tokens, role or time')
  }
  if (more !== 0 && !isRowFields(more)) throw new TypeError('No fields of a message')
  const hasParts = more !== 0 && more.parts !== undefined
  if (hasParts ? content !== 0 : typeof content !== 'string') throw new TypeError('No content')
  const parts: MessagePart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : []
  const { id, conversationId, branch, sequence, tokenStart } = place
  // One literal and no spread: every hit makes one of these for each message.
  const message: Message = {
    id,
    conversationId,
    branch,
    sequence,
    tokenStart,
    tokens,
    role,
    status: 'COMPLETE',
    parts,
    createdAt,
  }
  return more === 0 ? message : Object.assign(message, more)
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

/** The text of a message that is one text part and nothing else. */
function plainText(parts: readonly MessagePart[]): string | undefined {
  const [only] = parts
  if (parts.length !== 1 || only?.type !== 'text' || only.providerMetadata !== undefined) return undefined
  return only.text
}

function moreOf(message: MessageDraft, withParts: boolean): RowFields | 0 {
  const { status, author, replyTo, metadata, clientMessageId, replyId, finishReason, usage, model } = message
  const more: RowFields = {
    ...(withParts && { parts: message.parts }),
    ...(status !== 'COMPLETE' && { status }),
    ...(author !== undefined && { author }),
    ...(replyTo !== undefined && { replyTo }),
    ...(metadata !== undefined && { metadata }),
    ...(clientMessageId !== undefined && { clientMessageId }),
    ...(replyId !== undefined && { replyId }),
    ...(finishReason !== undefined && { finishReason }),
    ...(usage !== undefined && { usage }),
    ...(model !== undefined && { model }),
  }
  return Object.keys(more).length > 0 ? more : 0
}
