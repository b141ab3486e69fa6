import type { IndexDescription } from 'mongodb'
import { omitUndefined } from '../../../omit-undefined.ts'
import type { Branch, Conversation } from '../../conversation.ts'
import type { Head, Message, Metadata, Position, Usage } from '../../message.ts'
import { readableConversation, readableMessage } from '../stored-check.ts'
import { decodeDraft, decodeJson, encodeDraft, encodeJson, type StoredDraft } from '../stored-draft.ts'

/** A document of `conversations`. */
export interface ConversationDocument {
  _id: string
  /** Moved to `deletedOwnerId` by a deletion, which so takes the conversation out of everything an owner can ask. */
  ownerId?: string
  deletedOwnerId?: string
  deletedAt?: Date
  externalId?: string
  title?: string
  model?: string
  instructions?: string
  encoding: string
  /** JSON text. */
  metadata?: string
  branches: Branch[]
  activeBranch: string
  branchEpoch: number
  selectedEpochs: Record<string, number>
  heads: Record<string, Head>
  createdAt: Date
  lastMessageAt: Date
  /** Whether `archivedAt` is there: the list is an equality on it, for which a missing field would not do. */
  archived: boolean
  archivedAt?: Date
  expiresAt?: Date
  /** Ids of messages that are redacted once more before the next drop. */
  redactions?: string[]
  dropDue?: Date
}

/** A document of `messages`. */
export interface MessageDocument extends StoredDraft, Position {
  _id: string
  conversationId: string
  createdAt: Date
  usage?: Usage
  /** There in messages that were stored before their branch was listed; the sweep removes it, or them. */
  unlistedSince?: Date
  /** There where `unlistedSince` is 0: the removal that takes this message. */
  removal?: string
}

/** Partial indexes filter by `$gte`, not by `$exists`: SecantusDB reads the whole collection for the latter. */
export const CONVERSATION_INDEXES: IndexDescription[] = [
  { key: { ownerId: 1, archived: 1, lastMessageAt: 1, _id: 1 } },
  { key: { deletedAt: 1 }, partialFilterExpression: { deletedAt: { $gte: new Date(0) } } },
  { key: { expiresAt: 1 }, partialFilterExpression: { expiresAt: { $gte: new Date(0) } } },
  { key: { dropDue: 1 }, partialFilterExpression: { dropDue: { $gte: new Date(0) } } },
]

/** Two positions and the idempotency key, each unique: they decide every append. */
export const MESSAGE_INDEXES: IndexDescription[] = [
  { key: { conversationId: 1, branch: 1, sequence: 1 }, unique: true },
  { key: { conversationId: 1, branch: 1, tokenStart: 1 }, unique: true },
  {
    key: { conversationId: 1, clientMessageId: 1 },
    unique: true,
    partialFilterExpression: { clientMessageId: { $gte: '' } },
  },
  { key: { unlistedSince: 1 }, partialFilterExpression: { unlistedSince: { $gte: new Date(0) } } },
]

/** A conversation as a document; what is absent has no field. */
export function encodeConversation(conversation: Conversation): ConversationDocument {
  const { id, metadata, createdAt, lastMessageAt, archivedAt, expiresAt, dropDue, ...rest } = conversation
  return omitUndefined({
    _id: id,
    ...rest,
    metadata: encodeJson(metadata),
    createdAt: new Date(createdAt),
    lastMessageAt: new Date(lastMessageAt),
    archived: archivedAt !== undefined,
    archivedAt: encodeTime(archivedAt),
    expiresAt: encodeTime(expiresAt),
    dropDue: encodeTime(dropDue),
  })
}

/** The conversation that a document holds. Throws ConversationUnreadableError. */
export function decodeConversation(document: ConversationDocument): Conversation {
  return readableConversation(document._id, () => conversationOf(document))
}

function conversationOf(document: ConversationDocument): Conversation {
  const { _id: id, ownerId = '', metadata, createdAt, lastMessageAt, archivedAt, expiresAt } = document
  const { externalId, title, model, instructions, encoding } = document
  const { branches, activeBranch, branchEpoch, selectedEpochs, heads } = document
  return omitUndefined({
    id,
    ownerId,
    externalId,
    title,
    model,
    instructions,
    encoding,
    metadata: decodeJson<Metadata>(metadata),
    branches,
    activeBranch,
    branchEpoch,
    selectedEpochs,
    heads,
    createdAt: createdAt.getTime(),
    lastMessageAt: lastMessageAt.getTime(),
    archivedAt: archivedAt?.getTime(),
    expiresAt: expiresAt?.getTime(),
    dropDue: document.dropDue?.getTime(),
  })
}

/** A message as a document; what is absent has no field. */
export function encodeMessage(message: Message, unlistedSince?: number): MessageDocument {
  const { id, conversationId, branch, sequence, tokens, tokenStart, createdAt, usage } = message
  const place = { _id: id, conversationId, branch, sequence, tokens, tokenStart }
  const times = { createdAt: new Date(createdAt), unlistedSince: encodeTime(unlistedSince) }
  return omitUndefined({ ...place, ...encodeDraft(message), ...times, usage })
}

/** The message that a document holds. Throws ConversationUnreadableError. */
export function decodeMessage(document: MessageDocument): Message {
  return readableMessage(document.conversationId, () => messageOf(document))
}

function messageOf(document: MessageDocument): Message {
  const { _id: id, conversationId, branch, sequence, tokens, tokenStart, usage } = document
  const place = { id, conversationId, branch, sequence, tokens, tokenStart }
  const message: Message = { ...place, createdAt: document.createdAt.getTime(), ...decodeDraft(document) }
  if (usage !== undefined) message.usage = usage
  return message
}

function encodeTime(time: number | null | undefined): Date | undefined {
  return time == null ? undefined : new Date(time)
}
