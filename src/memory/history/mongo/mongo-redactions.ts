import type { Collection } from 'mongodb'
import type { DueDrop, History } from '../history.ts'
import { readableRedactions, skipUnreadable } from '../stored-check.ts'
import type { MongoStoreOptions } from './mongo-database.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'
import { aliveFilter, changeInto } from './mongo-statements.ts'

/** The methods of the history that remember which cached tails are to be dropped once more. */
export type MongoRedactions = Pick<History, 'markDropDue' | 'settleDrop' | 'findDueDrops'>

const BEGINNING = new Date(0)

/** Due drops, kept in MongoDB with their conversation. `now` decides what is past its `expiresAt`. */
export function createMongoRedactions(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
  { now, onUnreadable }: Required<Pick<MongoStoreOptions, 'now' | 'onUnreadable'>>,
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
    const update = () => changeInto(conversationId, 'redactions', () => collection.updateOne(filter, change))
    return (await guard.write(update)).matchedCount > 0
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
    return skipUnreadable(found, dueDropOf, onUnreadable)
  }

  return { markDropDue, settleDrop, findDueDrops }
}

/** Throws ConversationUnreadableError. */
function dueDropOf({ _id, ownerId = '', redactions = [], dropDue = BEGINNING }: ConversationDocument): DueDrop {
  const messageIds = readableRedactions(_id, () => redactions)
  return { conversationId: _id, ownerId, messageIds, dropDue: dropDue.getTime() }
}
