import type { Collection, Filter } from 'mongodb'
import type { MongoGuard } from './mongo-guard.ts'

/** SecantusDB takes 0.1 s to remove 100 documents by their ids and 6 s for 1,000. */
const REMOVALS_AT_ONCE = 100

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
    const filter = { _id: { $in: ids.splice(0, REMOVALS_AT_ONCE) } } as Filter<Document>
    removed += (await guard(() => collection.deleteMany(filter))).deletedCount
  }
  return removed
}
