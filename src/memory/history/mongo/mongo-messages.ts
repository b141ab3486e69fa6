import { type Collection, MongoBulkWriteError, type UpdateFilter } from 'mongodb'
import pMap from 'p-map'
import { type MessagePlace, messageId, placeOf } from '../../ids.ts'
import type { Head, Message } from '../../message.ts'
import { sliceBatch } from '../batch-slices.ts'
import type { HeadHint, History, InsertOutcome } from '../history.ts'
import { encodeParts } from '../stored-draft.ts'
import { decodeMessage, encodeMessage, type MessageDocument } from './mongo-documents.ts'
import { isDuplicateKey, type MongoGuard } from './mongo-guard.ts'
import { removeDocuments } from './mongo-removal.ts'
import { updateOf } from './mongo-update.ts'

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

/** One insert's characters: far below the protocol's 48 MB, and sent in well under the guard's deadline. */
const SLICE_LENGTH = 4_000_000
/** Documents that one reply brings, decoded in one turn of the event loop: in few milliseconds. */
const BATCH_LENGTH = 1_000
/** Single lookups at once: a share of the driver's 100 connections. */
const LOOKUPS_AT_ONCE = 16

/** The messages' part of the history in MongoDB: each read an equality on an index prefix and one range. */
export function createMongoMessages(collection: Collection<MessageDocument>, guard: MongoGuard): MongoMessages {
  /** Most often all in the first batch: the driver's default of 101 would cost further round trips. */
  const read = async (filter: object, sort: Record<string, 1 | -1>, limit: number): Promise<Message[]> => {
    if (limit < 1) return []
    const cursor = collection.find(filter, { sort, limit, batchSize: Math.min(limit, BATCH_LENGTH) })
    return guard(async () => {
      const messages: Message[] = []
      for await (const document of cursor) {
        const batch = [document, ...cursor.readBufferedDocuments()]
        for (const each of batch) messages.push(decodeMessage(each))
      }
      return messages
    })
  }

  const update = async (id: string, change: UpdateFilter<MessageDocument> | undefined) => {
    const place = placeOf(id)
    if (place === undefined || change === undefined) return undefined
    await guard(() => collection.updateOne({ ...place }, change))
    return (await read({ ...place }, {}, 1))[0]
  }

  const readTokenRange: MongoMessages['readTokenRange'] = (range) => {
    const { conversationId, branch, fromTokens, belowTokens, limit } = range
    const tokenStart = { $gte: fromTokens, ...(belowTokens !== undefined && { $lt: belowTokens }) }
    return read({ conversationId, branch, tokenStart }, { tokenStart: -1 }, limit)
  }

  /** Positions have no gap: where nothing follows the hint's message, that one is the head. */
  const readHeads: MongoMessages['readHeads'] = async (hints) => {
    const nextIds = hints.map(({ conversationId, branch, hint }) =>
      messageId(conversationId, branch, hint.sequence + 1),
    )
    const conversationId = { $in: [...new Set(hints.map((each) => each.conversationId))] }
    const find = { projection: { _id: 1 }, limit: nextIds.length, batchSize: nextIds.length }
    const filter = { _id: { $in: nextIds }, conversationId }
    const next = hints.length === 0 ? [] : await guard(() => collection.find(filter, find).toArray())
    const isBehind = new Set(next.map(({ _id }) => _id))
    const readHead = async ({ hint, ...place }: HeadHint, index: number): Promise<Head> => {
      if (!isBehind.has(nextIds[index] ?? '')) return hint
      const [newest] = await readTokenRange({ ...place, fromTokens: hint.tokens, limit: 1 })
      return newest === undefined ? hint : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
    }
    return await pMap(hints, readHead, { concurrency: LOOKUPS_AT_ONCE })
  }

  return {
    async insertMessages(messages, { mayGoOn = () => true } = {}) {
      let inserted = 0
      for (const slice of sliceBatch(messages, SLICE_LENGTH)) {
        if (inserted > 0 && !mayGoOn()) break
        const outcome = await guard(() => insertSlice(collection, slice))
        inserted += outcome.inserted
        if (outcome.duplicate) return { inserted, duplicate: true }
      }
      return { inserted, duplicate: false }
    },

    readTokenRange,
    readHeads,

    async readSequenceRange({ conversationId, branch, afterSequence, beforeSequence, limit, from }) {
      const filter = { conversationId, branch, sequence: { $gt: afterSequence, $lt: beforeSequence } }
      const messages = await read(filter, { sequence: from === 'NEWEST' ? -1 : 1 }, limit)
      return from === 'NEWEST' ? messages.reverse() : messages
    },

    async findMessages(ids) {
      const paths = Object.values(Object.groupBy(placesOf(ids), placeKey))
      const find = async (places: readonly MessagePlace[] = []) => {
        const [place] = places
        if (place === undefined) return []
        const { conversationId, branch } = place
        const sequence = { $in: places.map((each) => each.sequence) }
        return await read({ conversationId, branch, sequence }, { sequence: 1 }, places.length)
      }
      const found = new Map(
        (await pMap(paths, find, { concurrency: LOOKUPS_AT_ONCE })).flat().map((message) => [message.id, message]),
      )
      return ids.map((id) => found.get(id))
    },

    async findByIdempotencyKeys(conversationId, keys) {
      const find = (clientMessageId: string) => read({ conversationId, clientMessageId }, {}, 1)
      return (await pMap(new Set(keys), find, { concurrency: LOOKUPS_AT_ONCE })).flat()
    },

    updateMessageMetadata: (id, metadata) =>
      update(id, updateOf<MessageDocument>({ metadata: metadata && JSON.stringify(metadata) })),

    redactMessage: (id, parts) => update(id, updateOf<MessageDocument>({ status: 'REDACTED', ...encodeParts(parts) })),

    async removeMessages(conversationId, limit) {
      return { messages: await removeDocuments(collection, guard, conversationId, limit) }
    },
  }
}

/** A retried write that was stored the first time is no duplicate: the server knows it by its transaction number. */
async function insertSlice(collection: Collection<MessageDocument>, slice: readonly Message[]): Promise<InsertOutcome> {
  try {
    await collection.insertMany(slice.map(encodeMessage), { ordered: true })
    return { inserted: slice.length, duplicate: false }
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

function placeKey({ conversationId, branch }: MessagePlace): string {
  return `${conversationId} ${branch}`
}
