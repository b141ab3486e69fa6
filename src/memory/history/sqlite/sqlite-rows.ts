import { omitUndefined } from '../../../omit-undefined.ts'
import type { Branch, Conversation } from '../../conversation.ts'
import { messageId } from '../../ids.ts'
import type { Head, Message, Metadata, Position, Usage } from '../../message.ts'
import { readableConversation, readableMessage } from '../stored-check.ts'
import { decodeDraft, decodeJson, encodeDraft, encodeJson, type StoredDraft } from '../stored-draft.ts'
import type { SqliteRow, SqliteValues } from './sqlite-database.ts'

/** A row of `conversations`. Of its texts `metadata`, `branches`, `selectedEpochs` and `heads` are JSON. */
export interface ConversationRow {
  id: string
  ownerId: string
  externalId: string | null
  title: string | null
  model: string | null
  instructions: string | null
  encoding: string
  metadata: string | null
  branches: string
  activeBranch: string
  branchEpoch: number
  selectedEpochs: string
  heads: string
  createdAt: number
  lastMessageAt: number
  archivedAt: number | null
  expiresAt: number | null
  dropDue: number | null
}

/** A row of `messages`. */
export interface MessageRow extends StoredDraft, Position {
  conversationId: string
  createdAt: number
  /** JSON text. */
  usage: string | null
}

/** Every column that statements read and write. */
export const CONVERSATION_COLUMNS = [
  'id',
  'ownerId',
  'externalId',
  'title',
  'model',
  'instructions',
  'encoding',
  'metadata',
  'branches',
  'activeBranch',
  'branchEpoch',
  'selectedEpochs',
  'heads',
  'createdAt',
  'lastMessageAt',
  'archivedAt',
  'expiresAt',
  'dropDue',
] as const satisfies readonly (keyof ConversationRow)[]

/** The condition of a conversation that is neither deleted nor past its end. */
export const IS_ALIVE = 'deletedAt IS NULL AND (expiresAt IS NULL OR expiresAt > :now)'

/** Every column that statements read and write. */
export const MESSAGE_COLUMNS = [
  'conversationId',
  'branch',
  'sequence',
  'tokens',
  'tokenStart',
  'role',
  'status',
  'content',
  'parts',
  'createdAt',
  'author',
  'replyTo',
  'metadata',
  'clientMessageId',
  'finishReason',
  'usage',
  'model',
] as const satisfies readonly (keyof MessageRow)[]

/** A conversation as a row; what is absent is null. */
export function encodeConversation(conversation: Conversation): SqliteValues {
  const { metadata, branches, selectedEpochs, heads } = conversation
  const texts = {
    metadata: encodeJson(metadata),
    branches: JSON.stringify(branches),
    selectedEpochs: JSON.stringify(selectedEpochs),
    heads: JSON.stringify(heads),
  }
  return columnsOf(CONVERSATION_COLUMNS, { ...conversation, ...texts })
}

/** The conversation that a row holds. Throws ConversationUnreadableError. */
export function decodeConversation(row: ConversationRow): Conversation {
  return readableConversation(row.id, () => conversationOf(row))
}

function conversationOf(stored: ConversationRow): Conversation {
  const { metadata, branches, selectedEpochs, heads, ...row } = stored
  return omitUndefined({
    ...row,
    metadata: decodeJson<Metadata>(metadata),
    branches: JSON.parse(branches) as Branch[],
    selectedEpochs: JSON.parse(selectedEpochs) as Record<string, number>,
    heads: JSON.parse(heads) as Record<string, Head>,
  })
}

/** A message as a row, in the order of the columns; what is absent is null. */
export function encodeMessage(message: Message): SqliteRow {
  const { conversationId, branch, sequence, tokens, tokenStart, createdAt, usage } = message
  const place = { conversationId, branch, sequence, tokens, tokenStart }
  const values: Partial<MessageRow> = { ...place, ...encodeDraft(message), createdAt, usage: encodeJson(usage) ?? null }
  return MESSAGE_COLUMNS.map((column) => values[column] ?? null)
}

/** The message that a row holds; its id follows from its place. Throws ConversationUnreadableError. */
export function decodeMessage(row: MessageRow): Message {
  return readableMessage(row.conversationId, () => messageOf(row))
}

function messageOf(row: MessageRow): Message {
  const { conversationId, branch, sequence, tokens, tokenStart, createdAt, usage } = row
  const id = messageId(conversationId, branch, sequence)
  const message: Message = { id, conversationId, branch, sequence, tokens, tokenStart, createdAt, ...decodeDraft(row) }
  if (usage != null) message.usage = JSON.parse(usage) as Usage
  return message
}

/** Every column has its value, null where there is none: SQLite would keep the one of the statement's last use. */
export function columnsOf<Column extends string>(
  columns: readonly Column[],
  values: { [C in Column]?: string | number | null | undefined },
): SqliteValues {
  return Object.fromEntries(columns.map((column) => [column, values[column] ?? null]))
}
