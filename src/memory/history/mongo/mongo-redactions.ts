import type { Collection } from 'mongodb'
import type { History, UnfinishedRedactions } from '../history.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'
import { aliveFilter } from './mongo-statements.ts'

/** The methods of the history that remember what is being redacted. */
export type MongoRedactions = Pick<History, 'markRedaction' | 'settleRedaction' | 'findUnfinishedRedactions'>

const BEGINNING = new Date(0)

/** Redactions under way, kept in MongoDB with their conversation. `now` decides what is past its `expiresAt`. */
export function createMongoRedactions(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
  now: () => number,
): MongoRedactions {
  async function markRedaction(
    ownerId: string,
    conversationId: string,
    messageId: string,
    markedAt: number,
  ): Promise<boolean> {
    const change = { $addToSet: { redactions: messageId }, $set: { dropDue: new Date(markedAt) } }
    const filter = aliveFilter(ownerId, conversationId, now())
    return (await guard(() => collection.updateOne(filter, change))).matchedCount > 0
  }

  async function settleRedaction(_id: string, messageId: string): Promise<void> {
    await guard(() => collection.updateOne({ _id }, { $pull: { redactions: messageId } }))
    // Of several that settle at once the last one finds nothing left; a mark made meanwhile stays.
    const done = { $unset: { redactions: true as const, dropDue: true as const } }
    await guard(() => collection.updateOne({ _id, redactions: [] }, done))
  }

  async function findUnfinishedRedactions(markedBefore: number, limit: number): Promise<UnfinishedRedactions[]> {
    if (limit < 1) return []
    const filter = { dropDue: { $gte: BEGINNING, $lt: new Date(markedBefore) } }
    const options = { sort: { dropDue: 1 as const }, limit, batchSize: limit }
    const found = await guard(() => collection.find(filter, options).toArray())
    return found.map(({ _id, ownerId = '', redactions = [] }) => {
      return { conversationId: _id, ownerId, messageIds: redactions }
    })
  }

  return { markRedaction, settleRedaction, findUnfinishedRedactions }
}
