import type { Collection, Filter, FindOptions, IndexDescription, MongoClient, UpdateFilter } from 'mongodb'
import pMap from 'p-map'
import { omitUndefined } from '../../../omit-undefined.ts'
import { conversationOfReply } from '../../ids.ts'
import type {
  RedactedReply,
  ReplyChanges,
  ReplyPhase,
  ReplyRecord,
  ReplyRecords,
  ReplyRenewal,
} from '../reply-record.ts'
import { readableReply, skipUnreadable } from '../stored-check.ts'
import { countsBeat, decodeReplyFields, encodeReplyFields, replyIdBounds, type StoredReply } from '../stored-reply.ts'
import { type MongoStoreOptions, mongoDatabase } from './mongo-database.ts'
import { isUnique } from './mongo-guard.ts'
import { ensureIndexes, findDocumentIds, removeDocuments, updateOf } from './mongo-statements.ts'

/** What both stores keep alike. */
type StoredFields = Omit<ReplyRecord, 'id' | 'active' | 'leaseUntil' | 'startedAt' | 'endedAt' | 'text' | 'parts'> &
  Partial<Pick<ReplyRecord, 'text' | 'parts'>>

/** A document of `replies`. */
interface ReplyDocument extends StoredReply<StoredFields> {
  _id: string
  /** Absent where it is not: partial indexes hold it only while it is there. */
  active?: true
  leaseUntil: Date
  startedAt: Date
  endedAt?: Date
}

/** The first three are the claim, the question's id for ever, and the place in the queue; each of one owner. */
const REPLY_INDEXES: IndexDescription[] = [
  { key: { conversationId: 1, ownerId: 1 }, unique: true, partialFilterExpression: { active: true } },
  { key: { conversationId: 1, ownerId: 1, clientMessageId: 1 }, unique: true },
  { key: { conversationId: 1, ownerId: 1, place: 1 }, unique: true, partialFilterExpression: { place: { $gte: 0 } } },
  { key: { leaseUntil: 1 }, partialFilterExpression: { active: true } },
  { key: { leaseUntil: 1, place: 1 }, partialFilterExpression: { place: { $gte: 0 } } },
]

const BEGINNING = new Date(0)
/** Single look-ups at once: a share of the driver's 100 connections. */
const LOOKUPS_AT_ONCE = 16

/** Replies in MongoDB, in the database of the history. Both are made with one client, which the history closes. */
export function createMongoReplies(client: MongoClient, options: MongoStoreOptions = {}): ReplyRecords {
  const { onIndexing, onUnreadable = () => {} } = options
  const { database, guard } = mongoDatabase(client)
  const collection: Collection<ReplyDocument> = database.collection('replies')

  async function read(filter: Filter<ReplyDocument>, options?: FindOptions): Promise<ReplyRecord[]> {
    return (await readDocuments(filter, options)).map(decodeReply)
  }

  /** Of many conversations: one that cannot be read must not keep the others. */
  async function readMany(filter: Filter<ReplyDocument>, options: FindOptions): Promise<ReplyRecord[]> {
    return skipUnreadable(await readDocuments(filter, options), decodeReply, onUnreadable)
  }

  async function readDocuments(filter: Filter<ReplyDocument>, { limit = 1, sort }: FindOptions = {}) {
    if (limit < 1) return []
    const find = { limit, batchSize: limit, ...(sort && { sort }) }
    return guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
  }

  async function prepare(): Promise<void> {
    await ensureIndexes(collection, REPLY_INDEXES, guard, onIndexing)
  }

  function insert(record: ReplyRecord): Promise<boolean> {
    return guard.write(() => isUnique(() => collection.insertOne(encodeReply(record))))
  }

  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    return (await read({ ...byId(id), ownerId }))[0]
  }

  async function findMany(ownerId: string, ids: readonly string[]) {
    const wanted = [...new Set(ids)]
    const conversationIds = [...new Set(wanted.flatMap((id) => conversationOfReply(id) ?? []))]
    const filter = { _id: { $in: wanted }, conversationId: { $in: conversationIds }, ownerId }
    const found = await read(filter, { limit: wanted.length })
    const byId = new Map(found.map((reply) => [reply.id, reply]))
    return ids.map((id) => byId.get(id))
  }

  async function findByClientMessageId(ownerId: string, conversationId: string, clientMessageId: string) {
    return (await read({ conversationId, ownerId, clientMessageId }))[0]
  }

  async function findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    return (await read({ conversationId, ownerId, active: true }))[0]
  }

  async function findActiveMany(ownerId: string, conversationIds: readonly string[]) {
    const $in = [...new Set(conversationIds)]
    const found = await readMany({ conversationId: { $in }, ownerId, active: true }, { limit: $in.length })
    const byConversation = new Map(found.map((reply) => [reply.conversationId, reply]))
    return conversationIds.map((id) => byConversation.get(id))
  }

  async function findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    const { above, below } = replyIdBounds(conversationId)
    // With the conversation beside its ids, for one shard; and SecantusDB uses no index for a range of `_id`.
    const filter = { conversationId, ownerId, _id: { $gte: above, $lt: below } }
    return (await read(filter, { sort: { _id: -1 } }))[0]
  }

  function findNewestMany(ownerId: string, conversationIds: readonly string[]) {
    return pMap(conversationIds, (id) => findNewest(ownerId, id), { concurrency: LOOKUPS_AT_ONCE })
  }

  function findQueued(ownerId: string, conversationId: string, limit: number): Promise<ReplyRecord[]> {
    return read({ conversationId, ownerId, place: { $gte: 0 } }, { sort: { place: 1 }, limit })
  }

  function change(id: string, from: { phase: ReplyPhase; beat?: number }, changes: ReplyChanges): Promise<boolean> {
    const filter = { ...byId(id), ...from }
    const update = changeOf(from.phase, changes)
    return guard.write(async () => {
      let changed = 0
      const write = async () => {
        changed = (await collection.updateOne(filter, update)).modifiedCount
      }
      return (await isUnique(write)) && changed > 0
    })
  }

  async function renew(renewals: readonly ReplyRenewal[]): Promise<boolean> {
    const writes = renewals.map(({ id, beat, changes }) => {
      const filter = { ...byId(id), phase: 'RUN' as const, ...(beat !== undefined && { beat }) }
      return { updateOne: { filter, update: changeOf('RUN', changes) } }
    })
    const renewed = await guard.write(() => collection.bulkWrite(writes, { ordered: false }))
    return renewed.modifiedCount === renewals.length
  }

  function findLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]> {
    const leaseUntil = { $gte: BEGINNING, $lt: new Date(leaseBefore) }
    return readMany({ active: true, leaseUntil }, { sort: { leaseUntil: 1 }, limit })
  }

  function findQueuedLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]> {
    const leaseUntil = { $gte: BEGINNING, $lt: new Date(leaseBefore) }
    return readMany({ leaseUntil, place: { $gte: 0 } }, { sort: { leaseUntil: 1 }, limit })
  }

  async function redact(id: string, content: RedactedReply) {
    const update = updateOf<ReplyDocument>(encodeReplyFields(content))
    if (update !== undefined) await guard.write(() => collection.updateOne(byId(id), update))
  }

  async function withdraw(id: string): Promise<void> {
    // In the order in which it moves on, so that it cannot slip by.
    for (const phase of ['RUN', 'STOP'] as const) {
      const { deletedCount } = await guard.write(() => collection.deleteOne({ ...byId(id), phase, beat: 0 }))
      if (deletedCount > 0) return
    }
  }

  async function withdrawQueued(id: string, beat: number): Promise<boolean> {
    const { deletedCount } = await guard.write(() => collection.deleteOne({ ...byId(id), phase: 'QUEUED', beat }))
    return deletedCount > 0
  }

  function findIds(conversationId: string, limit: number): Promise<string[]> {
    return findDocumentIds(collection, guard, { conversationId }, limit)
  }

  function remove(conversationId: string, ids: readonly string[]): Promise<number> {
    return removeDocuments(collection, guard, { conversationId }, ids)
  }

  return {
    prepare,
    insert,
    find,
    findMany,
    findByClientMessageId,
    findActive,
    findActiveMany,
    findNewest,
    findNewestMany,
    findQueued,
    change,
    renew,
    findLeaseOver,
    findQueuedLeaseOver,
    redact,
    withdraw,
    withdrawQueued,
    findIds,
    remove,
  }
}

/** The conversation beside the id, for one shard; no reply has one that is no reply's id. */
function byId(id: string): { _id: string; conversationId: string } {
  return { _id: id, conversationId: conversationOfReply(id) ?? '' }
}

function encodeReply({ id, active, leaseUntil, startedAt, endedAt, ...fields }: ReplyRecord): ReplyDocument {
  return omitUndefined({
    _id: id,
    ...encodeReplyFields(fields),
    active: active ? (true as const) : undefined,
    leaseUntil: new Date(leaseUntil),
    startedAt: new Date(startedAt),
    endedAt: encodeTime(endedAt),
  })
}

/** Throws ConversationUnreadableError. */
function decodeReply(document: ReplyDocument): ReplyRecord {
  return readableReply(document.conversationId, () => replyOf(document))
}

function replyOf({ _id: id, active, leaseUntil, startedAt, endedAt, ...fields }: ReplyDocument): ReplyRecord {
  const times = { leaseUntil: leaseUntil.getTime(), startedAt: startedAt.getTime(), endedAt: endedAt?.getTime() }
  return omitUndefined({ id, active: active === true, ...decodeReplyFields<StoredFields>(fields), ...times })
}

function changeOf(from: ReplyPhase, changes: ReplyChanges): UpdateFilter<ReplyDocument> {
  const { active, leaseUntil, endedAt, bumpBeat: _, ...fields } = changes
  const own = {
    active: active === undefined ? undefined : active || null,
    leaseUntil: encodeTime(leaseUntil),
    endedAt: encodeTime(endedAt),
  }
  const update = updateOf<ReplyDocument>({ ...encodeReplyFields(fields), ...own })
  return { ...update, ...(countsBeat(from, changes) && { $inc: { beat: 1 } }) }
}

function encodeTime(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}
