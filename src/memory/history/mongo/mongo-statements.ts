import {
  type Collection,
  type CreateIndexesOptions,
  type Filter,
  type IndexDescription,
  MongoServerError,
  type UpdateFilter,
} from 'mongodb'
import { ConversationUnreadableError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import type { MongoGuard } from './mongo-guard.ts'

/** SecantusDB takes 0.1 s to remove 100 documents by their ids and 6 s for 1,000. */
const REMOVALS_AT_ONCE = 100

/** Of a large collection the indexes take minutes, and nobody is to think that the start hangs. */
const PROGRESS_MS = 10_000

/**
 * Makes the indexes that are missing, however long it takes: the one call without a deadline. `onIndexing` is
 * called with the collection's name every ten seconds.
 */
export async function ensureIndexes<Document extends object>(
  collection: Collection<Document>,
  indexes: IndexDescription[],
  guard: MongoGuard,
  onIndexing: (collection: string) => void = () => {},
): Promise<void> {
  // The driver takes it for every operation, though its types name it for the client only.
  const options = { socketTimeoutMS: 0 } as CreateIndexesOptions
  const progress = setInterval(() => onIndexing(collection.collectionName), PROGRESS_MS)
  try {
    await guard.long(() => collection.createIndexes(indexes, options))
  } finally {
    clearInterval(progress)
  }
}

/** A condition on one conversation by `_id`: its owner's, which a deleted one has not, and not past its end. */
export function aliveFilter(ownerId: string, _id: string, now: number) {
  return { _id, ownerId, expiresAt: { $not: { $lte: new Date(now) } } }
}

/** BadValue, TypeMismatch and PathNotViable: what the server says of a change within a value of another type. */
const NOT_VIABLE: readonly unknown[] = [2, 14, 28]

/** A change within a field of a conversation; ConversationUnreadableError where it holds what nobody wrote. */
export async function changeInto<T>(conversationId: string, field: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof MongoServerError && NOT_VIABLE.includes(error.code))) throw error
    throw new ConversationUnreadableError(conversationId, `${field} is nonsense`)
  }
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

/** The ids of the documents that a filter on an index finds, in any order; at most `limit`. */
export async function findDocumentIds<Document extends { _id: string }>(
  collection: Collection<Document>,
  guard: MongoGuard,
  filter: Filter<Document> & { conversationId: string },
  limit: number,
): Promise<string[]> {
  if (limit < 1) return []
  const find = { projection: { _id: 1 }, limit, batchSize: limit }
  const found = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
  return found.map(({ _id }) => _id)
}

/** Removes documents by their ids and a condition that names their conversation, in several steps; returns how many. */
export async function removeDocuments<Document extends { _id: string; conversationId: string }>(
  collection: Collection<Document>,
  guard: MongoGuard,
  condition: { conversationId: string; removal?: string },
  ids: readonly string[],
): Promise<number> {
  let removed = 0
  for (let first = 0; first < ids.length; first += REMOVALS_AT_ONCE) {
    const batch = ids.slice(first, first + REMOVALS_AT_ONCE)
    const filter = { _id: { $in: batch }, ...condition } as Filter<Document>
    removed += (await guard.write(() => collection.deleteMany(filter))).deletedCount
  }
  return removed
}
