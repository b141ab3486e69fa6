import type { Collection } from 'mongodb'
import type { DueDrop, History } from '../history.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'
import { aliveFilter } from './mongo-statements.ts'

/** The methods of the history that remember which cached tails are to be dropped once more. */
export type MongoRedactions = Pick<History, 'markDropDue' | 'settleDrop' | 'findDueDrops'>

const BEGINNING = new Date(0)

/** Due drops, kept in MongoDB with their conversation. `now` decides what is past its `expiresAt`. */
export function createMongoRedactions(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
  now: () => number,
): MongoRedactions {
  async function markDropDue(
    ownerId: string,
    conversationId: string,
    dropDue: number,
    redactedId?: string,
  ): Promise<boolean> {
    const $set = { dropDue: new Date(dropDue) }
    const change = redactedId === undefined ? { $set } : { $set, $addToSet: { redactions: redactedId } }
    const filter = aliveFilter(ownerId, conversationId, now())
    return (await guard.write(() => collection.updateOne(filter, change))).matchedCount > 0
  }

  async function settleDrop(conversationId: string, dropDue: number): Promise<void> {
    const filter = { _id: conversationId, dropDue: new Date(dropDue) }
    await guard.write(() => collection.updateOne(filter, { $unset: { redactions: true, dropDue: true } }))
  }

  async function findDueDrops(dueBefore: number, limit: number): Promise<DueDrop[]> {
    if (limit < 1) return []
    const filter = { dropDue: { $gte: BEGINNING, $lt: new Date(dueBefore) } }
    const find = { sort: { dropDue: 1 as const }, limit, batchSize: limit }
    const found = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
    return found.map(({ _id, ownerId = '', redactions = [], dropDue = BEGINNING }) => {
      return { conversationId: _id, ownerId, messageIds: redactions, dropDue: dropDue.getTime() }
    })
  }

  return { markDropDue, settleDrop, findDueDrops }
}
