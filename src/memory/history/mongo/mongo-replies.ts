import type { Collection, Filter, FindOptions, IndexDescription, MongoClient, UpdateFilter } from 'mongodb'
import { omitAbsent } from '../omit-absent.ts'
import type { ReplyChanges, ReplyPhase, ReplyRecord, ReplyRecords } from '../reply-record.ts'
import { countsBeat, decodeReplyFields, encodeReplyFields, replyIdBounds, type StoredReply } from '../stored-reply.ts'
import { mongoDatabase } from './mongo-database.ts'
import { isDuplicateKey } from './mongo-guard.ts'
import { removeDocuments } from './mongo-removal.ts'
import { updateOf } from './mongo-update.ts'

/** What both stores keep alike. */
type StoredFields = Omit<ReplyRecord, 'id' | 'active' | 'leaseUntil' | 'startedAt' | 'endedAt'>

/** A document of `replies`. */
interface ReplyDocument extends StoredReply<StoredFields> {
  _id: string
  /** Absent where it is not: partial indexes hold it only while it is there. */
  active?: true
  leaseUntil: Date
  startedAt: Date
  endedAt?: Date
}

/** The first three are the claim, the question's id for ever, and the place in the queue. */
const REPLY_INDEXES: IndexDescription[] = [
  { key: { conversationId: 1 }, unique: true, partialFilterExpression: { active: true } },
  { key: { conversationId: 1, clientMessageId: 1 }, unique: true },
  { key: { conversationId: 1, place: 1 }, unique: true, partialFilterExpression: { place: { $gte: 0 } } },
  { key: { leaseUntil: 1 }, partialFilterExpression: { active: true } },
]

const BEGINNING = new Date(0)

/** Replies in MongoDB, in the database of the history. Both are made with one client, which the history closes. */
export function createMongoReplies(client: MongoClient): ReplyRecords {
  const { database, guard } = mongoDatabase(client)
  const collection: Collection<ReplyDocument> = database.collection('replies')

  const find = async (filter: Filter<ReplyDocument>, { limit = 1, sort }: FindOptions = {}): Promise<ReplyRecord[]> => {
    if (limit < 1) return []
    const options = { limit, batchSize: limit, ...(sort && { sort }) }
    return (await guard(() => collection.find(filter, options).toArray())).map(decodeReply)
  }

  return {
    async prepare() {
      await guard(() => collection.createIndexes(REPLY_INDEXES))
    },

    insert: (record) => guard(() => isUnique(() => collection.insertOne(encodeReply(record)).then(() => true))),

    async find(id) {
      return (await find({ _id: id }))[0]
    },

    async findByClientMessageId(conversationId, clientMessageId) {
      return (await find({ conversationId, clientMessageId }))[0]
    },

    async findActive(conversationId) {
      return (await find({ conversationId, active: true }))[0]
    },

    async findNewest(conversationId) {
      const { above, below } = replyIdBounds(conversationId)
      // With the conversation beside its ids, for one shard; and SecantusDB uses no index for a range of `_id`.
      return (await find({ conversationId, _id: { $gte: above, $lt: below } }, { sort: { _id: -1 } }))[0]
    },

    findQueued: (conversationId, limit) => find({ conversationId, place: { $gte: 0 } }, { sort: { place: 1 }, limit }),

    change(id, from, changes) {
      const filter = { _id: id, ...from }
      const update = changeOf(from.phase, changes)
      const write = async () => (await collection.updateOne(filter, update)).modifiedCount > 0
      return guard(() => isUnique(write))
    },

    async renew(renewals) {
      const writes = renewals.map(({ id, changes }) => {
        return { updateOne: { filter: { _id: id, phase: 'RUN' as const }, update: changeOf('RUN', changes) } }
      })
      const renewed = await guard(() => collection.bulkWrite(writes, { ordered: false }))
      return renewed.modifiedCount === renewals.length
    },

    findLeaseOver(leaseBefore, limit) {
      const leaseUntil = { $gte: BEGINNING, $lt: new Date(leaseBefore) }
      return find({ active: true, leaseUntil }, { sort: { leaseUntil: 1 }, limit })
    },

    async redact(id, content) {
      const update = updateOf<ReplyDocument>(encodeReplyFields(content))
      if (update !== undefined) await guard(() => collection.updateOne({ _id: id }, update))
    },

    async withdraw(id) {
      // In the order in which it moves on, so that it cannot slip by.
      for (const phase of ['RUN', 'STOP'] as const) {
        const { deletedCount } = await guard(() => collection.deleteOne({ _id: id, phase, beat: 0 }))
        if (deletedCount > 0) return
      }
    },

    remove: (conversationId, limit) => removeDocuments(collection, guard, conversationId, limit),
  }
}

/** What a write did; false where a unique index refused it. */
async function isUnique(write: () => Promise<boolean>): Promise<boolean> {
  try {
    return await write()
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

function encodeReply({ id, active, leaseUntil, startedAt, endedAt, ...fields }: ReplyRecord): ReplyDocument {
  return omitAbsent({
    _id: id,
    ...encodeReplyFields(fields),
    active: active ? (true as const) : undefined,
    leaseUntil: new Date(leaseUntil),
    startedAt: new Date(startedAt),
    endedAt: encodeTime(endedAt),
  })
}

function decodeReply({ _id: id, active, leaseUntil, startedAt, endedAt, ...fields }: ReplyDocument): ReplyRecord {
  const times = { leaseUntil: leaseUntil.getTime(), startedAt: startedAt.getTime(), endedAt: endedAt?.getTime() }
  return omitAbsent({ id, active: active === true, ...decodeReplyFields<StoredFields>(fields), ...times })
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
