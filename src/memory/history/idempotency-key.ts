import type { MessageDraft } from '../message.ts'

type KeyOwner = Pick<MessageDraft, 'clientMessageId' | 'replyId'>

/**
 * What stores a message once in its conversation: `c:` and the client's id of it, or `r:` and the id of
 * the reply that wrote it. Undefined for a message that has neither.
 */
export function idempotencyKey({ clientMessageId, replyId }: KeyOwner): string | undefined {
  if (replyId === undefined) return clientMessageId === undefined ? undefined : `c:${clientMessageId}`
  if (clientMessageId !== undefined) throw new TypeError('A message comes from a client or from a reply, not from both')
  return `r:${replyId}`
}

/** Whose key it is: the inverse of `idempotencyKey`. */
export function keyOwner(key: string | null | undefined): KeyOwner {
  if (key?.startsWith('c:')) return { clientMessageId: key.slice(2) }
  return key?.startsWith('r:') ? { replyId: key.slice(2) } : {}
}
