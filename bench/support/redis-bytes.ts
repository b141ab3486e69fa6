import type { Redis } from 'ioredis'

/** What Redis uses for keys and values, of all their parts, as it counts itself. */
export async function redisBytes(redis: Redis, keys: readonly string[]): Promise<number> {
  let bytes = 0
  for (const key of keys) {
    const used = await redis.memory('USAGE', key, 'SAMPLES', 0)
    if (used === null) throw new Error(`Redis does not hold ${key}`)
    bytes += used
  }
  return bytes
}

/** The keys of a conversation's cached context. */
export function cacheKeys(conversationId: string): string[] {
  return [`bs:v1:{${conversationId}}:head`, `bs:v1:{${conversationId}}:tail`]
}
