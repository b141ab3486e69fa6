import type { Collection, Filter } from 'mongodb'
import type { History } from './history.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'

/** The methods of the history that remember redactions under way. */
export type MongoRedactions = Pick<History, 'markRedaction' | 'settleRedaction' | 'findUnfinishedRedactions'>

const BEGINNING = new Date(0)
const UNSET = { $unset: { redactions: true, dropDue: true } } as const

/** Redactions under way, in the documents of their conversations. */
export function createMongoRedactions(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
): MongoRedactions {
  const update = async (filter: Filter<ConversationDocument>, change: object): Promise<number> =>
    (await guard(() => collection.updateOne(filter, change))).matchedCount

  return {
    async markRedaction(ownerId, conversationId, messageId, markedAt) {
      const change = { $addToSet: { redactions: messageId }, $max: { dropDue: new Date(markedAt) } }
      return (await update({ _id: conversationId, ownerId }, change)) > 0
    },

    async settleRedaction(conversationId, messageId) {
      // Most often the only one. Two that end at once meet here: the last one finds the list empty.
      if ((await update({ _id: conversationId, redactions: [messageId] }, UNSET)) > 0) return
      await update({ _id: conversationId }, { $pull: { redactions: messageId } })
      await update({ _id: conversationId, redactions: [] }, UNSET)
    },

    async findUnfinishedRedactions(markedBefore, limit) {
      if (limit < 1) return []
      const filter = { dropDue: { $gte: BEGINNING, $lt: new Date(markedBefore) } }
      const options = { sort: { dropDue: 1 as const }, limit, batchSize: limit }
      const found = await guard(() => collection.find(filter, options).toArray())
      // What is deleted has lost its owner: its deletion does the rest.
      return found.flatMap(({ _id: conversationId, ownerId, redactions: messageIds = [] }) =>
        ownerId === undefined ? [] : { conversationId, ownerId, messageIds },
      )
    },
  }
}
