import type { Filter } from 'mongodb'
import type { ConversationDocument } from './mongo-documents.ts'

/** A condition on one conversation by `_id`: its owner's, which a deleted one has not, and not past its end. */
export function aliveFilter(ownerId: string, _id: string, now: number): Filter<ConversationDocument> {
  return { _id, ownerId, expiresAt: { $not: { $lte: new Date(now) } } }
}
