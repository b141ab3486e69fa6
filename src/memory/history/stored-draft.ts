import { QueryTooComplexError } from '../../errors.ts'
import type { FinishReason, MessageDraft, MessagePart, MessageStatus, Metadata, Role } from '../message.ts'
import type { LengthRoom } from './history.ts'

type Absent = null | undefined
type KeyOwner = Pick<MessageDraft, 'clientMessageId' | 'replyId'>

/** The fields of a message that both stores keep alike: strings under their own names. */
export interface StoredDraft {
  role: Role
  status: MessageStatus
  /** The text of a message that is one plain text part; then `parts` is absent. */
  content?: string | Absent
  /** JSON text. */
  parts?: string | Absent
  author?: string | Absent
  replyTo?: string | Absent
  /** JSON text. */
  metadata?: string | Absent
  /** The message's idempotency key, unique in its conversation. */
  clientMessageId?: string | Absent
  finishReason?: FinishReason | Absent
  model?: string | Absent
}

/** What is stored beside it, each store in its own way. */
type OwnFields = 'createdAt' | 'usage'

/**
 * What stores a message once in its conversation: `c:` and the client's id of it, or `r:` and the id of
 * the reply that wrote it. Undefined for a message that has neither.
 */
export function idempotencyKey({ clientMessageId, replyId }: KeyOwner): string | undefined {
  if (replyId === undefined) return clientMessageId === undefined ? undefined : `c:${clientMessageId}`
  if (clientMessageId !== undefined) throw new TypeError('A message comes from a client or from a reply, not from both')
  return `r:${replyId}`
}

/**
 * Opaque JSON is kept as text: byte for byte, whatever its keys and depth. So is a text with half a
 * surrogate pair, which UTF-8 cannot hold and JSON escapes; the other fields must be well-formed. What
 * the draft has not is undefined or null.
 */
export function encodeDraft(draft: Omit<MessageDraft, OwnFields>): StoredDraft {
  const { role, status, parts, author, replyTo, metadata, finishReason, model } = draft
  return {
    role,
    status,
    ...encodeParts(parts),
    author,
    replyTo,
    metadata: encodeJson(metadata),
    clientMessageId: idempotencyKey(draft),
    finishReason,
    model,
  }
}

/** Exactly one of the two fields in which a message's parts are stored; the other is null. */
export function encodeParts(parts: readonly MessagePart[]): { content: string | null; parts: string | null } {
  const content = plainText(parts)
  return content === undefined ? { content: null, parts: JSON.stringify(parts) } : { content, parts: null }
}

/** Characters of what may be long. */
export function lengthOfDraft({
  content,
  parts,
  metadata,
}: Pick<StoredDraft, 'content' | 'parts' | 'metadata'>): number {
  return (content ?? parts ?? '').length + (metadata ?? '').length
}

/** Throws QueryTooComplexError when more than `maxLength` characters are taken in all. */
export function createLengthRoom(maxLength = Number.POSITIVE_INFINITY): LengthRoom {
  let left = maxLength

  function take(length: number): void {
    left -= length
    if (left < 0) throw new QueryTooComplexError(`${maxLength} characters of messages`, 'more')
  }

  return { take }
}

/** Field by field, since every message of every read from history comes through here. */
export function decodeDraft(stored: StoredDraft): Omit<MessageDraft, OwnFields> {
  const { role, status, content, parts, author, replyTo, metadata, clientMessageId: key, finishReason, model } = stored
  const draft: Omit<MessageDraft, OwnFields> = {
    role,
    status,
    parts: content == null ? (JSON.parse(parts ?? '[]') as MessagePart[]) : [{ type: 'text', text: content }],
    ...keyOwner(key),
  }
  if (author != null) draft.author = author
  if (replyTo != null) draft.replyTo = replyTo
  if (metadata != null) draft.metadata = JSON.parse(metadata) as Metadata
  if (finishReason != null) draft.finishReason = finishReason
  if (model != null) draft.model = model
  return draft
}

/** A value as JSON text; undefined when it is absent. */
export function encodeJson(value: object | Absent): string | undefined {
  return value == null ? undefined : JSON.stringify(value)
}

/** The value of a JSON text that `encodeJson` wrote; undefined when it is absent. */
export function decodeJson<T>(text: string | Absent): T | undefined {
  return text == null ? undefined : (JSON.parse(text) as T)
}

/** Whose key it is: the inverse of `idempotencyKey`. */
function keyOwner(key: string | null | undefined): KeyOwner {
  if (key?.startsWith('c:')) return { clientMessageId: key.slice(2) }
  return key?.startsWith('r:') ? { replyId: key.slice(2) } : {}
}

function plainText(parts: readonly MessagePart[]): string | undefined {
  const [only] = parts
  if (parts.length !== 1 || only?.type !== 'text' || only.providerMetadata !== undefined) return undefined
  return only.text.isWellFormed() ? only.text : undefined
}
