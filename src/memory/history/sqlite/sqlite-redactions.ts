import type { ConversationUnreadableError } from '../../../errors.ts'
import type { DueDrop, History } from '../history.ts'
import { readableRedactions, skipUnreadable } from '../stored-check.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { IS_ALIVE } from './sqlite-rows.ts'

/** The methods of the history that remember which cached tails are to be dropped once more. */
export type SqliteRedactions = Pick<History, 'markDropDue' | 'settleDrop' | 'findDueDrops'>

/** `redactions` is JSON; null where nothing is being redacted. */
interface RedactionRow {
  redactions: string | null
}

type DueRow = RedactionRow & Omit<DueDrop, 'messageIds'>

const BY_OWNER = `SELECT redactions FROM conversations WHERE id = :id AND ownerId = :ownerId AND ${IS_ALIVE}`
const MARK = 'UPDATE conversations SET redactions = :redactions, dropDue = :dropDue WHERE id = :id'
const SETTLE = 'UPDATE conversations SET redactions = NULL, dropDue = NULL WHERE id = :id AND dropDue = :dropDue'
const DUE = `SELECT id AS conversationId, ownerId, redactions, dropDue FROM conversations
  WHERE dropDue < :dueBefore AND deletedAt IS NULL ORDER BY dropDue LIMIT :limit`

/** Due drops, kept in the embedded history with their conversation. `now` decides what is past its `expiresAt`. */
export function createSqliteRedactions(
  database: SqliteDatabase,
  now: () => number,
  onUnreadable: (error: ConversationUnreadableError) => void,
): SqliteRedactions {
  async function markDropDue(ownerId: string, id: string, dropDue: number, redactedId?: string): Promise<boolean> {
    return await database.guard(() =>
      database.transact(() => {
        const [row] = database.all<RedactionRow>(BY_OWNER, { id, ownerId, now: now() })
        if (row === undefined) return false
        const ids = [...new Set([...listOf(id, row.redactions), ...(redactedId === undefined ? [] : [redactedId])])]
        return database.run(MARK, { id, redactions: ids.length > 0 ? JSON.stringify(ids) : null, dropDue }) > 0
      }),
    )
  }

  async function settleDrop(id: string, dropDue: number): Promise<void> {
    await database.guard(() => database.run(SETTLE, { id, dropDue }))
  }

  async function findDueDrops(dueBefore: number, limit: number): Promise<DueDrop[]> {
    const rows = await database.guard(() => database.all<DueRow>(DUE, { dueBefore, limit: Math.max(0, limit) }))
    return skipUnreadable(rows, dueDropOf, onUnreadable)
  }

  return { markDropDue, settleDrop, findDueDrops }
}

/** Throws ConversationUnreadableError. */
function dueDropOf({ redactions, ...row }: DueRow): DueDrop {
  return { ...row, messageIds: listOf(row.conversationId, redactions) }
}

function listOf(conversationId: string, redactions: string | null): string[] {
  return readableRedactions(conversationId, () => JSON.parse(redactions ?? '[]') as string[])
}
