import type { Collection } from 'mongodb'
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

function claimId(ownerId: string, externalId: string): string {
  return JSON.stringify([ownerId, externalId])
}
