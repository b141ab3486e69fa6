import type { Collection, Filter, SortDirection } from 'mongodb'
import type { ConversationKey, ConversationRange } from '../history.ts'
import type { ConversationDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'

const BEGINNING = new Date(0)

/**
 * One page of an owner's list from the end that is kept, expired ones included. A keyset of two keys
 * wants an `$or`, which not every server finds in an index; so two queries at once: those that share
 * the near bound's time, and those beyond it. The far bound's own millisecond ends the page, where
 * what lies beyond its id is dropped.
 */
export async function readConversationPage(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
  { ownerId, archived, newer, older, limit, from }: ConversationRange,
): Promise<ConversationDocument[]> {
  const [near, far] = from === 'NEWEST' ? [newer, older] : [older, newer]
  const direction = from === 'NEWEST' ? -1 : 1
  const list = { ownerId, archived }
  const find = (filter: Filter<ConversationDocument>, sort: Record<string, SortDirection>) =>
    guard.read((options) => collection.find(filter, { ...options, sort, limit, batchSize: limit }).toArray())
  const tied = near && {
    ...list,
    lastMessageAt: new Date(near.lastMessageAt),
    _id: direction < 0 ? { $lt: near.id } : { $gt: near.id },
  }
  const [ties, others] = await Promise.all([
    tied === undefined ? [] : find(tied, { _id: direction }),
    find({ ...list, lastMessageAt: timesOf(newer, older, from) }, { lastMessageAt: direction, _id: direction }),
  ])
  return [...ties, ...others]
    .slice(0, limit)
    .filter((document) => far === undefined || isBefore(document, far, direction))
}

/**
 * Without the near bound's millisecond, with the far one's. Half open, and always bound from below: on a
 * key that is not an index's last, SecantusDB reads `$lte` as `$lt`.
 */
function timesOf(
  newer: ConversationKey | undefined,
  older: ConversationKey | undefined,
  from: ConversationRange['from'],
): Record<string, Date> {
  const shift = from === 'NEWEST' ? 0 : 1
  return {
    $gte: older === undefined ? BEGINNING : new Date(older.lastMessageAt + shift),
    ...(newer !== undefined && { $lt: new Date(newer.lastMessageAt + shift) }),
  }
}

/** Whether a document comes before a key in the direction of the page. */
function isBefore({ lastMessageAt, _id }: ConversationDocument, key: ConversationKey, direction: 1 | -1): boolean {
  const apart = lastMessageAt.getTime() - key.lastMessageAt
  if (apart !== 0) return Math.sign(apart) !== direction
  return direction < 0 ? _id > key.id : _id < key.id
}
