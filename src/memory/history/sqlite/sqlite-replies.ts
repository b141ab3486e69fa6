import { omitAbsent } from '../omit-absent.ts'
import type { ReplyChanges, ReplyPhase, ReplyRecord, ReplyRecords } from '../reply-record.ts'
import { countsBeat, decodeReplyFields, encodeReplyFields, replyIdBounds, type StoredReply } from '../stored-reply.ts'
import type { SqliteDatabase, SqliteSchema, SqliteValues } from './sqlite-database.ts'
import { columnsOf } from './sqlite-rows.ts'

type StoredFields = Omit<ReplyRecord, 'active'>

/** A row of `replies`. `active` is null where it is not: its unique index holds it only while it is there. */
type ReplyRow = StoredReply<StoredFields> & { active: 1 | null }

const ADDED_COLUMNS = ['replaces TEXT']

/**
 * Times are epoch milliseconds; `question`, `context`, `text`, `parts`, `outcome` and `usage` are JSON. An
 * absent question is the JSON null, since a column that must not be null cannot be made one that may.
 */
const STATEMENTS = `
  CREATE TABLE IF NOT EXISTS replies (
    id TEXT NOT NULL PRIMARY KEY,
    conversationId TEXT NOT NULL,
    ownerId TEXT NOT NULL,
    clientMessageId TEXT NOT NULL,
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
    question TEXT NOT NULL,
    parts TEXT NOT NULL,
    text TEXT NOT NULL,
    ${ADDED_COLUMNS.join(', ')}
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByActive ON replies (conversationId) WHERE active = 1;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByClientMessageId ON replies (conversationId, clientMessageId);
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByPlace ON replies (conversationId, place) WHERE place IS NOT NULL;
  CREATE INDEX IF NOT EXISTS repliesByLease ON replies (leaseUntil) WHERE active = 1;
`
const SCHEMA: SqliteSchema = { statements: STATEMENTS, addedColumns: { replies: ADDED_COLUMNS } }

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
  'parts',
  'text',
] as const satisfies readonly (keyof ReplyRow)[]

const COLUMNS = COLUMN_NAMES.join(', ')
const INSERT = `INSERT INTO replies (${COLUMNS}) VALUES (${COLUMN_NAMES.map((name) => `:${name}`).join(', ')})
  ON CONFLICT DO NOTHING`
const BY_ID = `SELECT ${COLUMNS} FROM replies WHERE id = :id`
const OF_CONVERSATION = `SELECT ${COLUMNS} FROM replies WHERE conversationId = :conversationId`
const BY_CLIENT_MESSAGE_ID = `${OF_CONVERSATION} AND clientMessageId = :clientMessageId`
const ACTIVE = `${OF_CONVERSATION} AND active = 1`
const QUEUED = `${OF_CONVERSATION} AND place IS NOT NULL ORDER BY place LIMIT :limit`
const NEWEST = `SELECT ${COLUMNS} FROM replies WHERE id > :above AND id < :below ORDER BY id DESC LIMIT 1`
const LEASE_OVER = `SELECT ${COLUMNS} FROM replies WHERE active = 1 AND leaseUntil < :leaseBefore
  ORDER BY leaseUntil LIMIT :limit`
const WITHDRAW = `DELETE FROM replies WHERE id = :id AND phase IN ('RUN', 'STOP') AND beat = 0`
const REMOVE = `DELETE FROM replies
  WHERE rowid IN (SELECT rowid FROM replies WHERE conversationId = :conversationId LIMIT :limit)`

/** Replies in the embedded history's database: made with the one that the history opens, which also closes it. */
export function createSqliteReplies(database: SqliteDatabase): ReplyRecords {
  const read = (sql: string, values: SqliteValues): Promise<ReplyRecord[]> =>
    database.guard(() => database.all<ReplyRow>(sql, values).map(decodeReply))

  const change = (
    id: string,
    { phase, beat }: { phase: ReplyPhase; beat?: number },
    changes: ReplyChanges,
  ): boolean => {
    const { sql, values } = changeOf(phase, changes)
    const filter = { id, fromPhase: phase, ...(beat !== undefined && { fromBeat: beat }) }
    const condition = `id = :id AND phase = :fromPhase${beat === undefined ? '' : ' AND beat = :fromBeat'}`
    // IGNORE: a row that a unique index refuses stays as it is, and counts as not changed.
    const update = `UPDATE OR IGNORE replies SET ${sql} WHERE ${condition}`
    return database.run(update, { ...values, ...filter }) > 0
  }

  return {
    prepare: () => database.guard(() => database.open(SCHEMA)),

    insert: (record) => database.guard(() => database.run(INSERT, encodeReply(record)) > 0),

    async find(id) {
      return (await read(BY_ID, { id }))[0]
    },

    async findByClientMessageId(conversationId, clientMessageId) {
      return (await read(BY_CLIENT_MESSAGE_ID, { conversationId, clientMessageId }))[0]
    },

    async findActive(conversationId) {
      return (await read(ACTIVE, { conversationId }))[0]
    },

    async findNewest(conversationId) {
      return (await read(NEWEST, replyIdBounds(conversationId)))[0]
    },

    findQueued: (conversationId, limit) => read(QUEUED, { conversationId, limit: Math.max(0, limit) }),

    // A checkpoint may come to the disk with the next write of more weight.
    change: (id, from, changes) =>
      database.guard(() =>
        changes.phase === undefined ? database.unsynced(() => change(id, from, changes)) : change(id, from, changes),
      ),

    renew: (renewals) =>
      database.guard(() =>
        database.unsynced(() =>
          database.transact(() => {
            const renewed = renewals.filter(({ id, changes }) => change(id, { phase: 'RUN' }, changes))
            return renewed.length === renewals.length
          }),
        ),
      ),

    findLeaseOver: (leaseBefore, limit) => read(LEASE_OVER, { leaseBefore, limit: Math.max(0, limit) }),

    async redact(id, content) {
      const values = encodeReplyFields(content)
      const assignments = assignmentsOf(values)
      if (assignments.length === 0) return
      await database.guard(() => {
        database.run(`UPDATE replies SET ${assignments.join(', ')} WHERE id = :id`, { ...values, id })
        database.clearLog()
      })
    },

    async withdraw(id) {
      await database.guard(() => database.run(WITHDRAW, { id }))
    },

    remove: (conversationId, limit) =>
      database.guard(() => database.run(REMOVE, { conversationId, limit: Math.max(0, limit) })),
  }
}

function encodeReply({ active, ...fields }: ReplyRecord): SqliteValues {
  const stored = encodeReplyFields<StoredFields>(fields)
  return columnsOf(COLUMN_NAMES, { question: 'null', ...stored, active: active ? 1 : null })
}

function decodeReply({ active, ...fields }: ReplyRow): ReplyRecord {
  return omitAbsent({ ...decodeReplyFields<StoredFields>(fields), active: active === 1 })
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
