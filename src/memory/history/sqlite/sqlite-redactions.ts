import type { History, UnfinishedRedactions } from '../history.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { IS_ALIVE } from './sqlite-rows.ts'

/** The methods of the history that remember what is being redacted. */
export type SqliteRedactions = Pick<History, 'markRedaction' | 'settleRedaction' | 'findUnfinishedRedactions'>

/** `redactions` is JSON; both are null where nothing is being redacted. */
interface RedactionRow {
  redactions: string | null
  dropDue: number | null
}

type UnfinishedRow = Pick<RedactionRow, 'redactions'> & { conversationId: string; ownerId: string }

const BY_ID = 'SELECT redactions, dropDue FROM conversations WHERE id = :id'
const BY_OWNER = `${BY_ID} AND ownerId = :ownerId AND ${IS_ALIVE}`
const UPDATE = 'UPDATE conversations SET redactions = :redactions, dropDue = :dropDue WHERE id = :id'
const UNFINISHED = `SELECT id AS conversationId, ownerId, redactions FROM conversations
  WHERE dropDue < :markedBefore AND deletedAt IS NULL ORDER BY dropDue LIMIT :limit`

/** Redactions under way, kept in the embedded history with their conversation. `now` decides what is past its `expiresAt`. */
export function createSqliteRedactions(database: SqliteDatabase, now: () => number): SqliteRedactions {
  function markRedaction(ownerId: string, id: string, messageId: string, markedAt: number): Promise<boolean> {
    return database.guard(() =>
      database.transact(() => {
        const [row] = database.all<RedactionRow>(BY_OWNER, { id, ownerId, now: now() })
        if (row === undefined) return false
        const redactions = JSON.stringify([...new Set([...listOf(row.redactions), messageId])])
        return database.run(UPDATE, { id, redactions, dropDue: markedAt }) > 0
      }),
    )
  }

  function settleRedaction(id: string, messageId: string): Promise<void> {
    return database.guard(() =>
      database.transact(() => {
        const [row] = database.all<RedactionRow>(BY_ID, { id })
        if (row === undefined) return
        const left = listOf(row.redactions).filter((each) => each !== messageId)
        const isDone = left.length === 0
        const redactions = isDone ? null : JSON.stringify(left)
        database.run(UPDATE, { id, redactions, dropDue: isDone ? null : row.dropDue })
      }),
    )
  }

  function findUnfinishedRedactions(markedBefore: number, limit: number): Promise<UnfinishedRedactions[]> {
    return database.guard(() =>
      database
        .all<UnfinishedRow>(UNFINISHED, { markedBefore, limit: Math.max(0, limit) })
        .map(({ redactions, ...row }) => ({ ...row, messageIds: listOf(redactions) })),
    )
  }

  return { markRedaction, settleRedaction, findUnfinishedRedactions }
}

function listOf(redactions: string | null): string[] {
  return JSON.parse(redactions ?? '[]') as string[]
}
