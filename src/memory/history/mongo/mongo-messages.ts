import { type Collection, MongoBulkWriteError, type UpdateFilter } from 'mongodb'
import pMap from 'p-map'
import { type MessagePlace, messageId, placeOf } from '../../ids.ts'
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
import { createLengthRoom, encodeParts, lengthOfDraft } from '../stored-draft.ts'
import { decodeMessage, encodeMessage, type MessageDocument } from './mongo-documents.ts'
import { isDuplicateKey, type MongoGuard } from './mongo-guard.ts'
import { findDocumentIds, removeDocuments, updateOf } from './mongo-statements.ts'

/** The methods of the history that are about messages. */
export type MongoMessages = Pick<
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

/** One insert's characters: far below the protocol's 48 MB, and sent in well under the guard's deadline. */
const BATCH_LENGTH = 4_000_000
/** Documents that the server sends at once, decoded in one tick of the event loop: in few milliseconds. */
const DOCUMENTS_AT_ONCE = 1_000
/** Single look-ups at once: a share of the driver's 100 connections. */
const LOOKUPS_AT_ONCE = 16

/** The messages' part of the history in MongoDB: each read an equality on an index prefix and one range. */
export function createMongoMessages(collection: Collection<MessageDocument>, guard: MongoGuard): MongoMessages {
  async function read(filter: object, sort: Record<string, 1 | -1>, limit: number): Promise<Message[]> {
    return (await readRun(filter, sort, { limit })).messages
  }

  /**
   * Most often all at once: the driver's default of 101 documents would cost further round trips. Where they are long,
   * the server sends no more than 16 MB before it is asked for more.
   */
  async function readRun(
    filter: object,
    sort: Record<string, 1 | -1>,
    { limit, maxLength = Number.POSITIVE_INFINITY, room }: RangeBounds,
  ): Promise<MessageRun> {
    if (limit < 1) return { messages: [], length: 0, isShortened: false }
    const find = { sort, limit, batchSize: Math.min(limit, DOCUMENTS_AT_ONCE) }
    return guard.read(async (options) => {
      const cursor = collection.find(filter, { ...options, ...find })
      const messages: Message[] = []
      let length = 0
      for await (const document of cursor) {
        for (const each of [document, ...cursor.readBufferedDocuments()]) {
          const more = lengthOfDraft(each)
          if (messages.length > 0 && length + more > maxLength) return { messages, length, isShortened: true }
          room?.take(more)
          messages.push(decodeMessage(each))
          length += more
        }
      }
      return { messages, length, isShortened: false }
    })
  }

  async function update(id: string, change: UpdateFilter<MessageDocument> | undefined): Promise<Message | undefined> {
    const place = placeOf(id)
    if (place === undefined || change === undefined) return undefined
    await guard.write(() => collection.updateOne({ ...place }, change))
    return (await read({ ...place }, {}, 1))[0]
  }

  async function insertMessages(
    messages: readonly Message[],
    { mayGoOn = () => true, unlistedSince }: InsertOptions = {},
  ): Promise<InsertOutcome> {
    let inserted = 0
    for (const batch of batchMessages(messages, BATCH_LENGTH)) {
      if (inserted > 0 && !mayGoOn()) break
      const outcome = await guard.write(() => insertBatch(collection, batch, unlistedSince))
      inserted += outcome.inserted
      if (outcome.duplicate) return { inserted, duplicate: true }
    }
    return { inserted, duplicate: false }
  }

  async function readTokenRange(range: TokenRange): Promise<Message[]> {
    const { conversationId, branch, fromTokens, belowTokens, limit, room } = range
    const tokenStart = { $gte: fromTokens, ...(belowTokens !== undefined && { $lt: belowTokens }) }
    const filter = { conversationId, branch, tokenStart }
    return (await readRun(filter, { tokenStart: -1 }, { limit, ...(room && { room }) })).messages
  }

  async function readSequenceRange(range: SequenceRange): Promise<MessageRun> {
    const { conversationId, branch, afterSequence, beforeSequence, from } = range
    const filter = { conversationId, branch, sequence: { $gt: afterSequence, $lt: beforeSequence } }
    const run = await readRun(filter, { sequence: from === 'NEWEST' ? -1 : 1 }, range)
    return from === 'NEWEST' ? { ...run, messages: run.messages.reverse() } : run
  }

  /** Positions have no gap: where nothing follows the hint's message, that one is the head. */
  async function readHeads(hints: readonly HeadHint[]): Promise<Head[]> {
    if (hints.length === 0) return []
    const nextIds = hints.map(({ conversationId, branch, hint }) =>
      messageId(conversationId, branch, hint.sequence + 1),
    )
    const conversationId = { $in: [...new Set(hints.map((each) => each.conversationId))] }
    const find = { projection: { _id: 1 }, limit: nextIds.length, batchSize: nextIds.length }
    const filter = { _id: { $in: nextIds }, conversationId }
    const next = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
    const found = new Set(next.map(({ _id }) => _id))
    const readHead = (place: HeadHint, index: number) =>
      found.has(nextIds[index] ?? '') ? readHeadFrom(place) : place.hint
    return pMap(hints, readHead, { concurrency: LOOKUPS_AT_ONCE })
  }

  async function readHeadFrom({ hint, ...place }: HeadHint): Promise<Head> {
    const [newest] = await readTokenRange({ ...place, fromTokens: hint.tokens, limit: 1 })
    return newest === undefined ? hint : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
  }

  async function findMessages(ids: readonly string[], maxLength?: number): Promise<(Message | undefined)[]> {
    const room = createLengthRoom(maxLength)
    async function find(places: readonly MessagePlace[] = []): Promise<Message[]> {
      const { messages, length, isShortened } = await findOnBranch(places, maxLength)
      room.take(isShortened ? Number.POSITIVE_INFINITY : length)
      return messages
    }
    const branches = Object.values(Object.groupBy(placesOf(ids), branchKey))
    const found = await pMap(branches, find, { concurrency: LOOKUPS_AT_ONCE })
    const byId = new Map(found.flat().map((message) => [message.id, message]))
    return ids.map((id) => byId.get(id))
  }

  function findOnBranch(places: readonly MessagePlace[], maxLength: number | undefined): Promise<MessageRun> {
    const { conversationId, branch } = places[0] ?? {}
    const sequence = { $in: places.map((each) => each.sequence) }
    const most = { limit: places.length, ...(maxLength !== undefined && { maxLength }) }
    return readRun({ conversationId, branch, sequence }, { sequence: 1 }, most)
  }

  async function findByIdempotencyKeys(conversationId: string, keys: readonly string[]): Promise<Message[]> {
    const find = (clientMessageId: string) => read({ conversationId, clientMessageId }, {}, 1)
    return (await pMap(new Set(keys), find, { concurrency: LOOKUPS_AT_ONCE })).flat()
  }

  function updateMessageMetadata(id: string, metadata: Metadata | null): Promise<Message | undefined> {
    return update(id, updateOf<MessageDocument>({ metadata: metadata && JSON.stringify(metadata) }))
  }

  function redactMessage(id: string, parts: readonly MessagePart[]): Promise<Message | undefined> {
    return update(id, updateOf<MessageDocument>({ status: 'REDACTED', ...encodeParts(parts) }))
  }

  async function removeMessages(conversationId: string, limit: number): Promise<Pick<RemovedCounts, 'messages'>> {
    const ids = await findDocumentIds(collection, guard, { conversationId }, limit)
    return { messages: await removeDocuments(collection, guard, { conversationId }, ids) }
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

/** A retried write that was stored the first time is no duplicate: the server knows it by its transaction number. */
async function insertBatch(
  collection: Collection<MessageDocument>,
  batch: readonly Message[],
  unlistedSince: number | undefined,
): Promise<InsertOutcome> {
  try {
    await collection.insertMany(
      batch.map((message) => encodeMessage(message, unlistedSince)),
      { ordered: true },
    )
    return { inserted: batch.length, duplicate: false }
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error
    // The prefix must be on a majority's disks too before it counts as stored.
    if (error.result.getWriteConcernError() !== undefined) throw error
    return { inserted: error.insertedCount, duplicate: true }
  }
}

function placesOf(ids: readonly string[]): MessagePlace[] {
  return [...new Set(ids)].flatMap((id) => placeOf(id) ?? [])
}

function branchKey({ conversationId, branch }: MessagePlace): string {
  return `${conversationId} ${branch}`
}
