import { setImmediate as nextTurn } from 'node:timers/promises'
import { type MessagePlace, placeOf } from '../../ids.ts'
import type { Head, Message } from '../../message.ts'
import { sliceBatch } from '../batch-slices.ts'
import type { History, InsertOutcome } from '../history.ts'
import { encodeParts } from '../stored-draft.ts'
import type { SqliteDatabase, SqliteValues } from './sqlite-database.ts'
import { createPortions } from './sqlite-portions.ts'
import { decodeMessage, encodeMessage, MESSAGE_COLUMNS, type MessageRow } from './sqlite-rows.ts'

/** The methods of the history that are about messages. */
export type SqliteMessages = Pick<
  History,
  | 'insertMessages'
  | 'readTokenRange'
  | 'readSequenceRange'
  | 'readHeads'
  | 'findMessages'
  | 'findByIdempotencyKeys'
  | 'updateMessageMetadata'
  | 'redactMessage'
  | 'removeMessages'
>

/** Characters of one transaction, and of what is read in one turn: a few milliseconds of the event loop. */
const SLICE_LENGTH = 250_000
const PORTION_LENGTH = 500_000
/** Rows that one statement reads: each may be long. */
const PAGE_ROWS = 250

const COLUMNS = MESSAGE_COLUMNS.join(', ')
const INSERT = `INSERT INTO messages (${COLUMNS}) VALUES (${MESSAGE_COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT DO NOTHING`
const ON_BRANCH = `SELECT ${COLUMNS} FROM messages WHERE conversationId = :conversationId AND branch = :branch`
const IN_TOKEN_RANGE = `${ON_BRANCH} AND tokenStart >= :fromTokens AND tokenStart < :belowTokens
  ORDER BY tokenStart DESC LIMIT :limit`
const IN_SEQUENCE_RANGE = `${ON_BRANCH} AND sequence > :afterSequence AND sequence < :beforeSequence`
const OLDEST_IN_RANGE = `${IN_SEQUENCE_RANGE} ORDER BY sequence LIMIT :limit`
const NEWEST_IN_RANGE = `${IN_SEQUENCE_RANGE} ORDER BY sequence DESC LIMIT :limit`
const HEAD = `SELECT sequence, tokenStart + tokens AS tokens FROM messages
  WHERE conversationId = :conversationId AND branch = :branch AND tokenStart >= :fromTokens
  ORDER BY tokenStart DESC LIMIT 1`
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
  const readAt = (place: MessagePlace): Message | undefined =>
    database.all<MessageRow>(AT_PLACE, { ...place }).map(decodeMessage)[0]
  const portions = createPortions(PORTION_LENGTH)
  const readPortion = async (sql: string, values: SqliteValues): Promise<Message[]> =>
    (await portions(() => database.all<MessageRow>(sql, values))).map(decodeMessage)

  /** In pages: `rangeBehind` gives the range that is left behind the last message of the pages before. */
  const readRange = (sql: string, limit: number, rangeBehind: (last?: Message) => SqliteValues): Promise<Message[]> =>
    database.guard(async () => {
      const messages: Message[] = []
      while (messages.length < limit) {
        const rows = Math.min(PAGE_ROWS, limit - messages.length)
        const page = await readPortion(sql, { ...rangeBehind(messages.at(-1)), limit: rows })
        messages.push(...page)
        if (page.length < rows) break
      }
      return messages
    })

  return {
    async insertMessages(messages, { mayGoOn = () => true } = {}) {
      let inserted = 0
      for (const slice of sliceBatch(messages, SLICE_LENGTH)) {
        // Between two slices the event loop belongs to others.
        if (inserted > 0) await nextTurn()
        if (inserted > 0 && !mayGoOn()) break
        const outcome = await database.guard(() => database.transact(() => insertSlice(database, slice)))
        inserted += outcome.inserted
        if (outcome.duplicate) return { inserted, duplicate: true }
      }
      return { inserted, duplicate: false }
    },

    readTokenRange({ conversationId, branch, fromTokens, belowTokens = Number.MAX_SAFE_INTEGER, limit }) {
      return readRange(IN_TOKEN_RANGE, limit, (last) => {
        return { conversationId, branch, fromTokens, belowTokens: last?.tokenStart ?? belowTokens }
      })
    },

    async readSequenceRange({ conversationId, branch, afterSequence, beforeSequence, limit, from }) {
      if (from === 'OLDEST') {
        return await readRange(OLDEST_IN_RANGE, limit, (last) => {
          return { conversationId, branch, afterSequence: last?.sequence ?? afterSequence, beforeSequence }
        })
      }
      const newestFirst = await readRange(NEWEST_IN_RANGE, limit, (last) => {
        return { conversationId, branch, afterSequence, beforeSequence: last?.sequence ?? beforeSequence }
      })
      return newestFirst.reverse()
    },

    readHeads: (hints) =>
      database.guard(() =>
        hints.map(({ conversationId, branch, hint }) => {
          const [head] = database.all<Head>(HEAD, { conversationId, branch, fromTokens: hint.tokens })
          return head === undefined ? hint : { ...head }
        }),
      ),

    findMessages: (ids) =>
      database.guard(async () => {
        const found: (Message | undefined)[] = []
        for (const id of ids) {
          const place = placeOf(id)
          found.push(place && (await readPortion(AT_PLACE, { ...place }))[0])
        }
        return found
      }),

    findByIdempotencyKeys: (conversationId, keys) =>
      database.guard(async () => {
        const found: Message[] = []
        for (const clientMessageId of new Set(keys)) {
          found.push(...(await readPortion(BY_IDEMPOTENCY_KEY, { conversationId, clientMessageId })))
        }
        return found
      }),

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
      // To SQLite a negative limit is none.
      const removal = { conversationId, limit: Math.max(0, limit) }
      return { messages: await database.guard(() => database.run(REMOVE, removal)) }
    },
  }
}

function insertSlice(database: SqliteDatabase, slice: readonly Message[]): InsertOutcome {
  const stop = slice.findIndex((message) => database.run(INSERT, encodeMessage(message)) === 0)
  return stop < 0 ? { inserted: slice.length, duplicate: false } : { inserted: stop, duplicate: true }
}
