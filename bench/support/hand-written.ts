import { countTokens } from 'gpt-tokenizer'
import type { Redis } from 'ioredis'
import type { Collection } from 'mongodb'
import { contentOf, type Message } from '../../src/memory/message.ts'

/** A message as applications store it that write this by hand. */
export interface PlainMessage {
  conversationId: string
  sequence: number
  role: string
  content: string
  createdAt: Date
}

/** A message as they cache it. */
export interface CachedMessage {
  id: string
  role: string
  content: string
  createdAt: string
  tokens: number
}

/** The usual code, which Backscroll replaces. */
export interface HandWritten {
  store(messages: readonly Message[]): Promise<void>
  /** Loads the whole conversation, counts it, trims it, and caches it while the user waits. */
  readContext(conversationId: string, maxTokens: number): Promise<CachedMessage[]>
  drop(conversationId: string): Promise<void>
}

const TTL_SECONDS = 86_400

export function createHandWritten(collection: Collection<PlainMessage>, redis: Redis): HandWritten {
  return {
    async store(messages) {
      await collection.createIndex({ conversationId: 1, sequence: 1 })
      await collection.insertMany(
        messages.map(({ conversationId, sequence, role, parts, createdAt }) => {
          return { conversationId, sequence, role, content: contentOf(parts), createdAt: new Date(createdAt) }
        }),
      )
    },
    async readContext(conversationId, maxTokens) {
      const cached = await redis.get(keyOf(conversationId))
      if (cached !== null) return trim(JSON.parse(cached) as CachedMessage[], maxTokens)
      const stored = await collection.find({ conversationId }).sort({ sequence: 1 }).toArray()
      const messages = stored.map(({ _id, role, content, createdAt }) => {
        return { id: String(_id), role, content, createdAt: createdAt.toISOString(), tokens: countTokens(content) + 4 }
      })
      await redis.set(keyOf(conversationId), JSON.stringify(messages), 'EX', TTL_SECONDS)
      return trim(messages, maxTokens)
    },
    async drop(conversationId) {
      await redis.del(keyOf(conversationId))
    },
  }
}

/** A stored message as that code caches it. */
export function asCached({ id, role, parts, createdAt, tokens }: Message): CachedMessage {
  return { id, role, content: contentOf(parts), createdAt: new Date(createdAt).toISOString(), tokens }
}

function keyOf(conversationId: string): string {
  return `messages:${conversationId}`
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
