import type { Collection } from 'mongodb'
import type { ConversationDocument } from './mongo-documents.ts'
import { isUnique, type MongoGuard } from './mongo-guard.ts'

/** A document of `externalIds`: the claim of an owner's external id, made by its insertion. */
export interface ExternalIdDocument {
  /** Owner and external id, as a JSON list. */
  _id: string
  /** The conversation that it leads to, which may not be there yet. */
  conversationId: string
}

/** The external ids of conversations. A unique index of theirs cannot be: `conversations` is sharded by `_id`. */
export interface MongoExternalIds {
  /** The conversation that the id leads to: this one, where the claim is new. Undefined where it was just freed: claim again. */
  claim(ownerId: string, externalId: string, conversationId: string): Promise<string | undefined>
  find(ownerId: string, externalId: string): Promise<string | undefined>
  /** Frees the id where it leads to this conversation still. */
  release(ownerId: string, externalId: string, conversationId: string): Promise<void>
}

/** The unique index that decided before there were claims. */
const OLDER_INDEX = 'ownerId_1_externalId_1'
const CLAIMS_AT_ONCE = 1_000

/** External ids, each a document that is found by its `_id`. */
export function createMongoExternalIds(
  collection: Collection<ExternalIdDocument>,
  guard: MongoGuard,
): MongoExternalIds {
  async function claim(ownerId: string, externalId: string, conversationId: string): Promise<string | undefined> {
    const document = { _id: claimId(ownerId, externalId), conversationId }
    const isNew = await guard.write(() => isUnique(() => collection.insertOne(document)))
    return isNew ? conversationId : find(ownerId, externalId)
  }

  async function find(ownerId: string, externalId: string): Promise<string | undefined> {
    const _id = claimId(ownerId, externalId)
    const [found] = await guard.read((options) => collection.find({ _id }, { ...options, limit: 1 }).toArray())
    return found?.conversationId
  }

  async function release(ownerId: string, externalId: string, conversationId: string): Promise<void> {
    const _id = claimId(ownerId, externalId)
    await guard.write(() => collection.deleteOne({ _id, conversationId }))
  }

  return { claim, find, release }
}

/**
 * Claims the external ids of conversations that are older than claims; a database that has none is known by its
 * indexes. May be cut off and done again, and by several nodes at once.
 */
export async function claimOlderIds(
  conversations: Collection<ConversationDocument>,
  collection: Collection<ExternalIdDocument>,
  guard: MongoGuard,
): Promise<void> {
  const indexes = await guard.long(() => conversations.indexes())
  if (!indexes.some(({ name }) => name === OLDER_INDEX)) return
  for (let after = ''; ; ) {
    const filter = { _id: { $gt: after }, externalId: { $gte: '' } }
    const options = { sort: { _id: 1 }, limit: CLAIMS_AT_ONCE, projection: { ownerId: 1, externalId: 1 } } as const
    const found = await guard.long(() => conversations.find(filter, options).toArray())
    const claims = found.flatMap(({ _id: conversationId, ownerId, externalId }) => {
      if (ownerId === undefined || externalId === undefined) return []
      const update = { $setOnInsert: { conversationId } }
      return [{ updateOne: { filter: { _id: claimId(ownerId, externalId) }, update, upsert: true } }]
    })
    if (claims.length > 0) await guard.long(() => collection.bulkWrite(claims, { ordered: false }))
    const last = found.at(-1)
    if (last === undefined) break
    after = last._id
  }
  // Where another node was sooner there is none any more.
  await guard.long(() => conversations.dropIndex(OLDER_INDEX)).catch(() => undefined)
}

function claimId(ownerId: string, externalId: string): string {
  return JSON.stringify([ownerId, externalId])
}
