import { countTokens } from 'gpt-tokenizer'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { contentOf, type Message } from '../../src/memory/message.ts'
import type { Peer, PeerStores } from '../support/peer.ts'

/** A message as applications cache it that write this by hand. */
export interface CachedMessage {
  id: string
  role: string
  content: string
  createdAt: string
  tokens: number
}

/** And as they store it. */
export interface StoredMessage {
  conversationId: string
  sequence: number
  role: string
  content: string
  createdAt: Date
}

/** The usual code as a peer, with what a turn needs besides a context. */
export interface HandWritten extends Peer {
  readContext(conversationId: string, maxTokens: number): Promise<CachedMessage[]>
  forget(conversationId: string): Promise<void>
  append(message: StoredMessage): Promise<void>
}

const TTL_SECONDS = 86_400
const CHAT_FRAMING_TOKENS = 4

/**
 * The usual code, which Backscroll replaces: load the whole conversation, count it, trim it, and cache it
 * while the user waits. With the plain MongoDB driver, ioredis and gpt-tokenizer.
 */
export async function openHandWritten({ mongodbUrl, redisUrl }: PeerStores): Promise<HandWritten> {
  const client = new MongoClient(mongodbUrl)
  const redis = new Redis(redisUrl)
  const collection = client.db().collection<StoredMessage>('handWritten')
  await collection.createIndex({ conversationId: 1, sequence: 1 })
  return {
    name: 'load, count, trim, cache',
    async fill(_, messages) {
      await collection.insertMany(messages.map(asStored))
    },
    async append(message) {
      await collection.insertOne(message)
    },
    async readContext(conversationId, maxTokens) {
      const cached = await redis.get(keyOf(conversationId))
      if (cached !== null) return trim(JSON.parse(cached) as CachedMessage[], maxTokens)
      const stored = await collection.find({ conversationId }).sort({ sequence: 1 }).toArray()
      const messages = stored.map(({ _id, role, content, createdAt }) => {
        const tokens = countTokens(content) + CHAT_FRAMING_TOKENS
        return { id: String(_id), role, content, createdAt: createdAt.toISOString(), tokens }
      })
      await redis.set(keyOf(conversationId), JSON.stringify(messages), 'EX', TTL_SECONDS)
      return trim(messages, maxTokens)
    },
    async forget(conversationId) {
      await redis.del(keyOf(conversationId))
    },
    async close() {
      redis.disconnect()
      await client.close()
    },
  }
}

/** A stored message as that code caches it. */
export function asCached({ id, role, parts, createdAt, tokens }: Message): CachedMessage {
  return { id, role, content: contentOf(parts), createdAt: new Date(createdAt).toISOString(), tokens }
}

/** The Redis key of what that code caches of a conversation. */
export function keyOf(conversationId: string): string {
  return `messages:${conversationId}`
}

function asStored({ conversationId, sequence, role, parts, createdAt }: Message): StoredMessage {
  return { conversationId, sequence, role, content: contentOf(parts), createdAt: new Date(createdAt) }
}

function trim(messages: readonly CachedMessage[], maxTokens: number): CachedMessage[] {
  let left = maxTokens
  let first = messages.length
  while (first > 0 && (messages[first - 1]?.tokens ?? 0) <= left) {
    first -= 1
    left -= messages[first]?.tokens ?? 0
  }
  return messages.slice(first)
}
