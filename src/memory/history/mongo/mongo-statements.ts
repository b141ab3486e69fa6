import type { Collection, Filter, UpdateFilter } from 'mongodb'
import { omitUndefined } from '../../../omit-undefined.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'

/** SecantusDB takes 0.1 s to remove 100 documents by their ids and 6 s for 1,000. */
const REMOVALS_AT_ONCE = 100

/** A condition on one conversation by `_id`: its owner's, which a deleted one has not, and not past its end. */
export function aliveFilter(ownerId: string, _id: string, now: number): Filter<ConversationDocument> {
  return { _id, ownerId, expiresAt: { $not: { $lte: new Date(now) } } }
}

/** An update that sets values and removes those that are null; undefined when it would do nothing. */
export function updateOf<Document extends object>(
  values: {
    [Name in keyof Document]?: Document[Name] | null | undefined
  },
): UpdateFilter<Document> | undefined {
  const removed = Object.entries(values).filter(([, value]) => value === null)
  const $set = omitUndefined(values)
  const update = {
    ...(Object.keys($set).length > 0 && { $set }),
    ...(removed.length > 0 && { $unset: Object.fromEntries(removed.map(([name]) => [name, true])) }),
  }
  return Object.keys(update).length > 0 ? (update as UpdateFilter<Document>) : undefined
}

/** Removes documents of a conversation, at most `limit`, by their ids and in several steps; returns how many. */
export async function removeDocuments<Document extends { _id: string; conversationId: string }>(
  collection: Collection<Document>,
  guard: MongoGuard,
  conversationId: string,
  limit: number,
): Promise<number> {
  if (limit < 1) return 0
  const find = { projection: { _id: 1 }, limit, batchSize: limit }
  const found = await guard(() => collection.find({ conversationId } as Filter<Document>, find).toArray())
  const ids = found.map(({ _id }) => _id)
  let removed = 0
  while (ids.length > 0) {
    const filter = { _id: { $in: ids.splice(0, REMOVALS_AT_ONCE) }, conversationId } as Filter<Document>
    removed += (await guard(() => collection.deleteMany(filter))).deletedCount
  }
  return removed
}
