import { type MessagePlace, placeOf } from '../../ids.ts'
import type { Head, Message, MessagePart, Metadata } from '../../message.ts'
import type {
  HeadHint,
  History,
  InsertOptions,
  InsertOutcome,
  MessageRun,
  RemovedCounts,
  SequenceRange,
  TokenRange,
} from '../history.ts'
import { batchMessages } from '../message-batches.ts'
import { readableHead } from '../stored-check.ts'
import { createLengthRoom, encodeParts, lengthOfDraft } from '../stored-draft.ts'
import { createBatches } from './sqlite-batches.ts'
import type { SqliteDatabase, SqliteValues } from './sqlite-database.ts'
import { removeRows } from './sqlite-removal.ts'
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

type RangeBounds = Pick<SequenceRange, 'limit' | 'maxLength'> & Pick<TokenRange, 'room'>

/** Characters that are written in one tick, and read: a few milliseconds of the event loop. */
const WRITE_LENGTH = 250_000
const READ_LENGTH = 500_000
/** A row takes as long as so many characters more than its texts. */
const ROW_LENGTH = 500
/** Rows that one statement reads. */
const STATEMENT_ROWS = 250

const COLUMNS = MESSAGE_COLUMNS.join(', ')
const INSERT = `INSERT INTO messages (${COLUMNS}, unlistedSince) VALUES (${MESSAGE_COLUMNS.map(() => '?').join(', ')}, ?)
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

/** The messages' part of the embedded history: every read is one range of a unique index. */
export function createSqliteMessages(database: SqliteDatabase): SqliteMessages {
  const readInBatch = createBatches(READ_LENGTH)
  const writeInBatch = createBatches(WRITE_LENGTH)

  async function read(sql: string, values: SqliteValues): Promise<Message[]> {
    return (await readInBatch(() => database.all<MessageRow>(sql, values), lengthOfRows)).map(decodeMessage)
  }

  /** The first rows, which may be long each: as many as can be read in one tick. */
  async function readSome(sql: string, values: SqliteValues): Promise<{ rows: MessageRow[]; isWhole: boolean }> {
    let room = READ_LENGTH
    const isLast = (row: MessageRow) => {
      room -= lengthOfDraft(row)
      return room < 0
    }
    const rows = await readInBatch(() => database.takeUntil(sql, values, isLast), lengthOfRows)
    return { rows, isWhole: room >= 0 }
  }

  function readAt(place: MessagePlace): Message | undefined {
    return database.all<MessageRow>(AT_PLACE, { ...place }).map(decodeMessage)[0]
  }

  /** By several statements: `rangeBehind` gives the range that is left behind the last message of those before. */
  function readRange(
    sql: string,
    { limit, maxLength = Number.POSITIVE_INFINITY, room }: RangeBounds,
    rangeBehind: (last?: Message) => SqliteValues,
  ): Promise<MessageRun> {
    return database.guard(async () => {
      const messages: Message[] = []
      let length = 0
      while (messages.length < limit) {
        const most = Math.min(STATEMENT_ROWS, limit - messages.length)
        const { rows, isWhole } = await readSome(sql, { ...rangeBehind(messages.at(-1)), limit: most })
        for (const row of rows) {
          const more = lengthOfDraft(row)
          if (messages.length > 0 && length + more > maxLength) return { messages, length, isShortened: true }
          room?.take(more)
          messages.push(decodeMessage(row))
          length += more
        }
        if (isWhole && rows.length < most) break
      }
      return { messages, length, isShortened: false }
    })
  }

  async function insertMessages(
    messages: readonly Message[],
    { mayGoOn = () => true, unlistedSince }: InsertOptions = {},
  ): Promise<InsertOutcome> {
    let inserted = 0
    for (const batch of batchMessages(messages, WRITE_LENGTH)) {
      const insert = () =>
        inserted === 0 || mayGoOn() ? database.transact(() => insertBatch(database, batch, unlistedSince)) : undefined
      const outcome = await database.guard(() => writeInBatch(insert, (written) => written?.length ?? 0))
      if (outcome === undefined) break
      inserted += outcome.inserted
      if (outcome.duplicate) return { inserted, duplicate: true }
    }
    return { inserted, duplicate: false }
  }

  async function readTokenRange({
    belowTokens = Number.MAX_SAFE_INTEGER,
    limit,
    room,
    ...range
  }: TokenRange): Promise<Message[]> {
    const { messages } = await readRange(IN_TOKEN_RANGE, { limit, ...(room && { room }) }, (last) => {
      return { ...range, belowTokens: last?.tokenStart ?? belowTokens }
    })
    return messages
  }

  async function readSequenceRange({ limit, maxLength, from, ...range }: SequenceRange): Promise<MessageRun> {
    const most = { limit, ...(maxLength !== undefined && { maxLength }) }
    if (from === 'OLDEST') {
      return readRange(OLDEST_IN_RANGE, most, (last) => {
        return { ...range, afterSequence: last?.sequence ?? range.afterSequence }
      })
    }
    const newestFirst = await readRange(NEWEST_IN_RANGE, most, (last) => {
      return { ...range, beforeSequence: last?.sequence ?? range.beforeSequence }
    })
    return { ...newestFirst, messages: newestFirst.messages.reverse() }
  }

  function readHeads(hints: readonly HeadHint[]): Promise<Head[]> {
    return database.guard(() =>
      hints.map(({ conversationId, branch, hint }) => {
        const [head] = database.all<Head>(HEAD, { conversationId, branch, fromTokens: hint.tokens })
        return head === undefined ? hint : readableHead(conversationId, { ...head })
      }),
    )
  }

  function findMessages(ids: readonly string[], maxLength?: number): Promise<(Message | undefined)[]> {
    const room = createLengthRoom(maxLength)
    return database.guard(async () => {
      const found: (Message | undefined)[] = []
      for (const id of ids) {
        const place = placeOf(id)
        const [row] = place ? (await readSome(AT_PLACE, { ...place })).rows : []
        if (row !== undefined) room.take(lengthOfDraft(row))
        found.push(row && decodeMessage(row))
      }
      return found
    })
  }

  function findByIdempotencyKeys(conversationId: string, keys: readonly string[]): Promise<Message[]> {
    return database.guard(async () => {
      const found: Message[] = []
      for (const clientMessageId of new Set(keys)) {
        found.push(...(await read(BY_IDEMPOTENCY_KEY, { conversationId, clientMessageId })))
      }
      return found
    })
  }

  async function updateMessageMetadata(id: string, metadata: Metadata | null): Promise<Message | undefined> {
    const place = placeOf(id)
    if (place === undefined) return undefined
    return database.guard(() => {
      database.run(UPDATE_METADATA, { ...place, metadata: metadata && JSON.stringify(metadata) })
      return readAt(place)
    })
  }

  async function redactMessage(id: string, parts: readonly MessagePart[]): Promise<Message | undefined> {
    const place = placeOf(id)
    if (place === undefined) return undefined
    return database.guard(() => {
      database.run(REDACT, { ...place, ...encodeParts(parts) })
      database.clearLog()
      return readAt(place)
    })
  }

  async function removeMessages(conversationId: string, limit: number): Promise<Pick<RemovedCounts, 'messages'>> {
    const condition = 'conversationId = :conversationId'
    return { messages: await removeRows(database, 'messages', condition, { conversationId }, limit) }
  }

  return {
    insertMessages,
    readTokenRange,
    readSequenceRange,
    readHeads,
    findMessages,
    findByIdempotencyKeys,
    updateMessageMetadata,
    redactMessage,
    removeMessages,
  }
}

function lengthOfRows(rows: readonly MessageRow[]): number {
  return rows.reduce((length, row) => length + ROW_LENGTH + lengthOfDraft(row), 0)
}

/** With the characters of what it tried to insert. */
function insertBatch(
  database: SqliteDatabase,
  batch: readonly Message[],
  unlistedSince: number | undefined,
): InsertOutcome & { length: number } {
  const since = unlistedSince ?? null
  let length = 0
  const stop = batch.findIndex((message) => {
    const values = encodeMessage(message)
    for (const value of values) length += typeof value === 'string' ? value.length : 0
    return database.run(INSERT, [...values, since]) === 0
  })
  return stop < 0 ? { inserted: batch.length, duplicate: false, length } : { inserted: stop, duplicate: true, length }
}
