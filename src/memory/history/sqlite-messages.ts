import { setImmediate as nextTurn } from 'node:timers/promises'
import { type MessagePlace, placeOf } from '../ids.ts'
import type { Message } from '../message.ts'
import { sliceBatch } from './batch-slices.ts'
import type { History, InsertOutcome } from './history.ts'
import type { SqliteDatabase, SqliteValues } from './sqlite-database.ts'
import { decodeMessage, encodeMessage, MESSAGE_COLUMNS, type MessageRow } from './sqlite-rows.ts'
import { encodeParts } from './stored-draft.ts'

/** The methods of the history that are about messages. */
export type SqliteMessages = Pick<
  History,
  | 'insertMessages'
  | 'readTokenRange'
  | 'readSequenceRange'
  | 'findMessages'
  | 'findByIdempotencyKeys'
  | 'updateMessageMetadata'
  | 'redactMessage'
  | 'removeMessages'
>

/** One transaction's characters: a few milliseconds of the event loop. */
const SLICE_LENGTH = 250_000

const COLUMNS = MESSAGE_COLUMNS.join(', ')
const INSERT = `INSERT INTO messages (${COLUMNS}) VALUES (${MESSAGE_COLUMNS.map((name) => `:${name}`).join(', ')})
  ON CONFLICT DO NOTHING`
const ON_BRANCH = `SELECT ${COLUMNS} FROM messages WHERE conversationId = :conversationId AND branch = :branch`
const IN_TOKEN_RANGE = `${ON_BRANCH} AND tokenStart >= :fromTokens AND tokenStart < :belowTokens
  ORDER BY tokenStart DESC LIMIT :limit`
const IN_SEQUENCE_RANGE = `${ON_BRANCH} AND sequence > :afterSequence AND sequence < :beforeSequence`
const OLDEST_IN_RANGE = `${IN_SEQUENCE_RANGE} ORDER BY sequence LIMIT :limit`
const NEWEST_IN_RANGE = `${IN_SEQUENCE_RANGE} ORDER BY sequence DESC LIMIT :limit`
const AT_PLACE = `${ON_BRANCH} AND sequence = :sequence`
const BY_IDEMPOTENCY_KEY = `SELECT ${COLUMNS} FROM messages
  WHERE conversationId = :conversationId AND clientMessageId = :clientMessageId`
const UPDATE_METADATA = `UPDATE messages SET metadata = :metadata
  WHERE conversationId = :conversationId AND branch = :branch AND sequence = :sequence`
const REDACT = `UPDATE messages SET status = 'REDACTED', content = :content, parts = :parts
  WHERE conversationId = :conversationId AND branch = :branch AND sequence = :sequence`
const REMOVE = `DELETE FROM messages
  WHERE rowid IN (SELECT rowid FROM messages WHERE conversationId = :conversationId LIMIT :limit)`

/** The messages' part of the embedded history: every read is one range of a unique index. */
export function createSqliteMessages(database: SqliteDatabase): SqliteMessages {
  const read = (sql: string, values: SqliteValues): Message[] =>
    database.all<MessageRow>(sql, values).map(decodeMessage)
  const readAt = (place: MessagePlace): Message | undefined => read(AT_PLACE, { ...place })[0]

  return {
    async insertMessages(messages) {
      let inserted = 0
      for (const slice of sliceBatch(messages, SLICE_LENGTH)) {
        // Between two slices the event loop belongs to others.
        if (inserted > 0) await nextTurn()
        const outcome = await database.guard(() => database.transact(() => insertSlice(database, slice)))
        inserted += outcome.inserted
        if (outcome.duplicate) return { inserted, duplicate: true }
      }
      return { inserted, duplicate: false }
    },

    readTokenRange({ conversationId, branch, fromTokens, belowTokens = Number.MAX_SAFE_INTEGER, limit }) {
      const range = { conversationId, branch, fromTokens, belowTokens, limit: atLeastNone(limit) }
      return database.guard(() => read(IN_TOKEN_RANGE, range))
    },

    async readSequenceRange({ conversationId, branch, afterSequence, beforeSequence, limit, from }) {
      const range = { conversationId, branch, afterSequence, beforeSequence, limit: atLeastNone(limit) }
      if (from === 'OLDEST') return await database.guard(() => read(OLDEST_IN_RANGE, range))
      return (await database.guard(() => read(NEWEST_IN_RANGE, range))).reverse()
    },

    findMessages: (ids) =>
      database.guard(() =>
        ids.map((id) => {
          const place = placeOf(id)
          return place && readAt(place)
        }),
      ),

    findByIdempotencyKeys: (conversationId, keys) =>
      database.guard(() =>
        [...new Set(keys)].flatMap((clientMessageId) => read(BY_IDEMPOTENCY_KEY, { conversationId, clientMessageId })),
      ),

    async updateMessageMetadata(id, metadata) {
      const place = placeOf(id)
      if (place === undefined) return undefined
      return await database.guard(() => {
        database.run(UPDATE_METADATA, { ...place, metadata: metadata && JSON.stringify(metadata) })
        return readAt(place)
      })
    },

    async redactMessage(id, parts) {
      const place = placeOf(id)
      if (place === undefined) return undefined
      return await database.guard(() => {
        database.run(REDACT, { ...place, ...encodeParts(parts) })
        database.clearLog()
        return readAt(place)
      })
    },

    async removeMessages(conversationId, limit) {
      const removal = { conversationId, limit: atLeastNone(limit) }
      return { messages: await database.guard(() => database.run(REMOVE, removal)) }
    },
  }
}

function insertSlice(database: SqliteDatabase, slice: readonly Message[]): InsertOutcome {
  const stop = slice.findIndex((message) => database.run(INSERT, encodeMessage(message)) === 0)
  return stop < 0 ? { inserted: slice.length, duplicate: false } : { inserted: stop, duplicate: true }
}

/** To SQLite a negative limit is none. */
function atLeastNone(limit: number): number {
  return Math.max(0, limit)
}
