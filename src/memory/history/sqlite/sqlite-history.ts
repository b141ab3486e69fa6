import type { ConversationUnreadableError } from '../../../errors.ts'
import type { History } from '../history.ts'
import { createSqliteConversations } from './sqlite-conversations.ts'
import { createSqliteDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { createSqliteMessages } from './sqlite-messages.ts'
import { createSqliteRedactions } from './sqlite-redactions.ts'
import { SQLITE_SCHEMA } from './sqlite-schema.ts'
import { createSqliteUnlisted } from './sqlite-unlisted.ts'

/**
 * The embedded history: one SQLite file, or `:memory:`, for one machine, by its path or as a database
 * that the replies share. Several processes may share the file. It opens with `prepare`; `close` ends it.
 */
export function createSqliteHistory(
  file: string | SqliteDatabase,
  now: () => number = Date.now,
  onUnreadable: (error: ConversationUnreadableError) => void = () => {},
): History {
  const database = typeof file === 'string' ? createSqliteDatabase(file) : file

  return {
    ...createSqliteConversations(database, now, onUnreadable),
    ...createSqliteMessages(database),
    ...createSqliteUnlisted(database),
    ...createSqliteRedactions(database, now, onUnreadable),
    prepare: () => database.guard(() => database.open(SQLITE_SCHEMA)),
    close: () => database.guard(() => database.close()),
  }
}
