import { Redis } from 'ioredis'
import type { Peer, PeerStores } from '../support/peer.ts'
import { asCached } from './hand-written.ts'

/** About as many messages as 3,000 tokens are; nothing here counts tokens. */
const WINDOW = 60

/** A capped list, Redis' own recipe for the newest of something: RPUSH and LTRIM, read by LRANGE. No history behind it. */
export async function openRedisList({ redisUrl }: Pick<PeerStores, 'redisUrl'>): Promise<Peer> {
  const redis = new Redis(redisUrl)
  return {
    name: `Redis list of the newest ${WINDOW}`,
    async fill(conversationId, messages) {
      const values = messages.slice(-WINDOW).map((message) => JSON.stringify(asCached(message)))
      await redis
        .pipeline()
        .rpush(keyOf(conversationId), ...values)
        .ltrim(keyOf(conversationId), -WINDOW, -1)
        .exec()
    },
    async readContext(conversationId) {
      return (await redis.lrange(keyOf(conversationId), -WINDOW, -1)).map((value) => JSON.parse(value))
    },
    async close() {
      redis.disconnect()
    },
  }
}

function keyOf(conversationId: string): string {
  return `newest:${conversationId}`
}
