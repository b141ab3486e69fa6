import type { ConversationUnreadableError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
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
import type { SqliteDatabase, SqliteValues } from './sqlite-database.ts'
import { removeRows } from './sqlite-removal.ts'
import { columnsOf } from './sqlite-rows.ts'

type StoredFields = Omit<ReplyRecord, 'active' | 'text' | 'parts'> & Partial<Pick<ReplyRecord, 'text' | 'parts'>>

/** A row of `replies`. `active` is null where it is not: its unique index holds it only while it is there. */
type ReplyRow = StoredReply<StoredFields> & { active: 1 | null }

/** Times are epoch milliseconds; `question`, `context`, `text`, `parts`, `outcome` and `usage` are JSON. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS replies (
    id TEXT NOT NULL PRIMARY KEY,
    conversationId TEXT NOT NULL,
    ownerId TEXT NOT NULL,
    clientMessageId TEXT NOT NULL,
    replaces TEXT,
    phase TEXT NOT NULL,
    active INTEGER,
    stop TEXT,
    beat INTEGER NOT NULL,
    leaseUntil INTEGER NOT NULL,
    place INTEGER,
    model TEXT NOT NULL,
    questionId TEXT,
    messageId TEXT,
    startedAt INTEGER NOT NULL,
    endedAt INTEGER,
    context TEXT NOT NULL,
    outcome TEXT,
    usage TEXT,
    question TEXT,
    questionDigest TEXT,
    parts TEXT,
    text TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByActive ON replies (conversationId, ownerId) WHERE active = 1;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByClientMessageId ON replies (conversationId, ownerId, clientMessageId);
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByPlace
    ON replies (conversationId, ownerId, place) WHERE place IS NOT NULL;
  CREATE INDEX IF NOT EXISTS repliesByLease ON replies (leaseUntil) WHERE active = 1;
  CREATE INDEX IF NOT EXISTS repliesByQueuedLease ON replies (leaseUntil) WHERE place IS NOT NULL;
`

const COLUMN_NAMES = [
  'id',
  'conversationId',
  'ownerId',
  'clientMessageId',
  'replaces',
  'phase',
  'active',
  'stop',
  'beat',
  'leaseUntil',
  'place',
  'model',
  'questionId',
  'messageId',
  'startedAt',
  'endedAt',
  'context',
  'outcome',
  'usage',
  'question',
  'questionDigest',
  'parts',
  'text',
] as const satisfies readonly (keyof ReplyRow)[]

const COLUMNS = COLUMN_NAMES.join(', ')
const INSERT = `INSERT INTO replies (${COLUMNS}) VALUES (${COLUMN_NAMES.map((name) => `:${name}`).join(', ')})
  ON CONFLICT DO NOTHING`
const BY_ID = `SELECT ${COLUMNS} FROM replies WHERE id = :id AND ownerId = :ownerId`
const OF_OWNER = `SELECT ${COLUMNS} FROM replies WHERE conversationId = :conversationId AND ownerId = :ownerId`
const BY_CLIENT_MESSAGE_ID = `${OF_OWNER} AND clientMessageId = :clientMessageId`
const ACTIVE = `${OF_OWNER} AND active = 1`
const QUEUED = `${OF_OWNER} AND place IS NOT NULL ORDER BY place LIMIT :limit`
const NEWEST = `SELECT ${COLUMNS} FROM replies
  WHERE id > :above AND id < :below AND ownerId = :ownerId ORDER BY id DESC LIMIT 1`
const LEASE_OVER = `SELECT ${COLUMNS} FROM replies WHERE active = 1 AND leaseUntil < :leaseBefore
  ORDER BY leaseUntil LIMIT :limit`
const QUEUED_LEASE_OVER = `SELECT ${COLUMNS} FROM replies WHERE place IS NOT NULL AND leaseUntil < :leaseBefore
  ORDER BY leaseUntil LIMIT :limit`
const WITHDRAW = `DELETE FROM replies WHERE id = :id AND phase IN ('RUN', 'STOP') AND beat = 0`
const WITHDRAW_QUEUED = `DELETE FROM replies WHERE id = :id AND phase = 'QUEUED' AND beat = :beat`
const IDS = 'SELECT id FROM replies WHERE conversationId = :conversationId LIMIT :limit'

/** Replies in the embedded history's database: made with the one that the history opens, which also closes it. */
export function createSqliteReplies(
  database: SqliteDatabase,
  onUnreadable: (error: ConversationUnreadableError) => void = () => {},
): ReplyRecords {
  function read(sql: string, values: SqliteValues): Promise<ReplyRecord[]> {
    return database.guard(() => database.all<ReplyRow>(sql, values).map(decodeReply))
  }

  /** Of many conversations: one that cannot be read must not keep the others. */
  function readMany(sql: string, values: SqliteValues): Promise<ReplyRecord[]> {
    return database.guard(() => skipUnreadable(database.all<ReplyRow>(sql, values), decodeReply, onUnreadable))
  }

  function write(id: string, { phase, beat }: { phase: ReplyPhase; beat?: number }, changes: ReplyChanges): boolean {
    const { sql, values } = changeOf(phase, changes)
    const filter = { id, fromPhase: phase, ...(beat !== undefined && { fromBeat: beat }) }
    const condition = `id = :id AND phase = :fromPhase${beat === undefined ? '' : ' AND beat = :fromBeat'}`
    // IGNORE: a row that a unique index refuses stays as it is, and counts as not changed.
    return database.run(`UPDATE OR IGNORE replies SET ${sql} WHERE ${condition}`, { ...values, ...filter }) > 0
  }

  function prepare(): Promise<void> {
    return database.guard(() => database.open(SCHEMA))
  }

  function insert(record: ReplyRecord): Promise<boolean> {
    return database.guard(() => database.run(INSERT, encodeReply(record)) > 0)
  }

  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    return (await read(BY_ID, { ownerId, id }))[0]
  }

  function findMany(ownerId: string, ids: readonly string[]) {
    return Promise.all(ids.map((id) => find(ownerId, id)))
  }

  async function findByClientMessageId(ownerId: string, conversationId: string, clientMessageId: string) {
    return (await read(BY_CLIENT_MESSAGE_ID, { ownerId, conversationId, clientMessageId }))[0]
  }

  async function findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    return (await read(ACTIVE, { ownerId, conversationId }))[0]
  }

  function findActiveMany(ownerId: string, conversationIds: readonly string[]) {
    return Promise.all(
      conversationIds.map(async (conversationId) => (await readMany(ACTIVE, { ownerId, conversationId }))[0]),
    )
  }

  async function findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    return (await read(NEWEST, { ownerId, ...replyIdBounds(conversationId) }))[0]
  }

  function findNewestMany(ownerId: string, conversationIds: readonly string[]) {
    return Promise.all(conversationIds.map((id) => findNewest(ownerId, id)))
  }

  function findQueued(ownerId: string, conversationId: string, limit: number): Promise<ReplyRecord[]> {
    return read(QUEUED, { ownerId, conversationId, limit: Math.max(0, limit) })
  }

  function change(id: string, from: { phase: ReplyPhase; beat?: number }, changes: ReplyChanges): Promise<boolean> {
    // A checkpoint may come to the disk with the next write of more weight.
    return database.guard(() =>
      changes.phase === undefined ? database.unsynced(() => write(id, from, changes)) : write(id, from, changes),
    )
  }

  function renew(renewals: readonly ReplyRenewal[]): Promise<boolean> {
    return database.guard(() =>
      database.unsynced(() =>
        database.transact(() => {
          const renewed = renewals.filter(({ id, beat, changes }) =>
            write(id, { phase: 'RUN', ...(beat !== undefined && { beat }) }, changes),
          )
          return renewed.length === renewals.length
        }),
      ),
    )
  }

  function findLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]> {
    return readMany(LEASE_OVER, { leaseBefore, limit: Math.max(0, limit) })
  }

  function findQueuedLeaseOver(leaseBefore: number, limit: number): Promise<ReplyRecord[]> {
    return readMany(QUEUED_LEASE_OVER, { leaseBefore, limit: Math.max(0, limit) })
  }

  async function redact(id: string, content: RedactedReply) {
    const values = encodeReplyFields(content)
    const assignments = assignmentsOf(values)
    if (assignments.length === 0) return
    await database.guard(() => {
      database.run(`UPDATE replies SET ${assignments.join(', ')} WHERE id = :id`, { ...values, id })
      database.clearLog()
    })
  }

  async function withdraw(id: string): Promise<void> {
    await database.guard(() => database.run(WITHDRAW, { id }))
  }

  function withdrawQueued(id: string, beat: number): Promise<boolean> {
    return database.guard(() => database.run(WITHDRAW_QUEUED, { id, beat }) > 0)
  }

  async function findIds(conversationId: string, limit: number): Promise<string[]> {
    const values = { conversationId, limit: Math.max(0, limit) }
    return (await database.guard(() => database.all<{ id: string }>(IDS, values))).map(({ id }) => id)
  }

  function remove(conversationId: string, ids: readonly string[]): Promise<number> {
    const condition = '+conversationId = :conversationId AND id IN (SELECT value FROM json_each(:ids))'
    const values = { conversationId, ids: JSON.stringify(ids) }
    return removeRows(database, 'replies', condition, values, ids.length)
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

function encodeReply({ active, ...fields }: ReplyRecord): SqliteValues {
  const stored = encodeReplyFields<StoredFields>(fields)
  return columnsOf(COLUMN_NAMES, { ...stored, active: active ? 1 : null })
}

/** Throws ConversationUnreadableError. */
function decodeReply(row: ReplyRow): ReplyRecord {
  return readableReply(row.conversationId, () => replyOf(row))
}

function replyOf({ active, ...fields }: ReplyRow): ReplyRecord {
  return omitUndefined({ ...decodeReplyFields<StoredFields>(fields), active: active === 1 })
}

/** The assignments of a conditional write: so few combinations of columns that each stays prepared. */
function changeOf(from: ReplyPhase, changes: ReplyChanges): { sql: string; values: SqliteValues } {
  const { active, bumpBeat: _, ...fields } = changes
  const values = { ...encodeReplyFields(fields), ...(active !== undefined && { active: active ? 1 : null }) }
  const assignments = assignmentsOf(values)
  if (countsBeat(from, changes)) assignments.push('beat = beat + 1')
  return { sql: assignments.join(', '), values }
}

function assignmentsOf(values: object): string[] {
  return Object.keys(values).map((name) => `${name} = :${name}`)
}
