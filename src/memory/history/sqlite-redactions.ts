import type { History } from './history.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** The methods of the history that remember redactions under way. */
export type SqliteRedactions = Pick<History, 'markRedaction' | 'settleRedaction' | 'findUnfinishedRedactions'>

const MESSAGE_IDS = `SELECT redactions FROM conversations WHERE id = :id AND deletedAt IS NULL`
const MARK = `UPDATE conversations SET redactions = :redactions, dropDue = max(ifnull(dropDue, 0), :markedAt)
  WHERE id = :id AND ownerId = :ownerId AND deletedAt IS NULL`
const SETTLE = `UPDATE conversations SET redactions = :redactions, dropDue = iif(:redactions IS NULL, NULL, dropDue)
  WHERE id = :id`
const UNFINISHED = `SELECT id AS conversationId, ownerId, redactions FROM conversations
  WHERE dropDue < :markedBefore AND deletedAt IS NULL ORDER BY dropDue LIMIT :limit`

/** Redactions under way, as a JSON list of messages' ids in the rows of their conversations. */
export function createSqliteRedactions(database: SqliteDatabase): SqliteRedactions {
  const read = (id: string): string[] => decode(database.all<{ redactions: string | null }>(MESSAGE_IDS, { id })[0])

  return {
    markRedaction: (ownerId, id, messageId, markedAt) =>
      database.guard(() =>
        database.transact(() => {
          const redactions = JSON.stringify([...new Set([...read(id), messageId])])
          return database.run(MARK, { id, ownerId, redactions, markedAt }) > 0
        }),
      ),

    settleRedaction: async (id, messageId) => {
      await database.guard(() =>
        database.transact(() => {
          const left = read(id).filter((each) => each !== messageId)
          database.run(SETTLE, { id, redactions: left.length > 0 ? JSON.stringify(left) : null })
        }),
      )
    },

    async findUnfinishedRedactions(markedBefore, limit) {
      type Row = { conversationId: string; ownerId: string; redactions: string | null }
      const range = { markedBefore, limit: Math.max(0, limit) }
      const rows = await database.guard(() => database.all<Row>(UNFINISHED, range))
      return rows.map(({ conversationId, ownerId, redactions }) => {
        return { conversationId, ownerId, messageIds: decode({ redactions }) }
      })
    },
  }
}

function decode(row: { redactions: string | null } | undefined): string[] {
  return row?.redactions == null ? [] : (JSON.parse(row.redactions) as string[])
}
