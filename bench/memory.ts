import { Redis } from 'ioredis'
import type { Message } from '../src/memory/message.ts'
import { asCached } from './peers/hand-written.ts'
import { contextRequest, readAll, storeConversation } from './support/conversation.ts'
import type { Finding, Side, Target, Unit } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { cacheKeys, redisBytes } from './support/redis-bytes.ts'
import { openStage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 200
const KEY = 'memory'

/** What Redis holds of a conversation of 1,000 messages, against caching all of it. */
export async function measureMemory(grounds: Grounds): Promise<Finding[]> {
  const redisUrl = await grounds.redisUrl()
  const stage = await openStage(grounds, { redisUrl })
  const redis = new Redis(redisUrl)
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    await redis.set(KEY, JSON.stringify((await readAll(stage, id, MESSAGES)).map(asCached)))
    const all = await redisBytes(redis, [KEY])
    const measure = async (maxTokens: number, targets: [Target, Target] | []) => {
      await stage.forget(id)
      const [context] = await stage.memory.readContexts([{ ...contextRequest(id), maxTokens }])
      if (context === undefined || context instanceof Error) throw new Error('No context', { cause: context })
      await stage.drain()
      const ours = await redisBytes(redis, cacheKeys(id))
      const sides = [sideOf('register and tail', ours), sideOf('all messages', all)]
      const held = `${context.messages.length} messages held`
      return [
        findingOf(`saved, ${held}`, sides, '%', 100 * (1 - ours / all), targets[0]),
        findingOf(`${held}`, sides, 'bytes/byte', ours / contentBytes(context.messages), targets[1]),
      ]
    }
    // What a read of 3,000 tokens leaves there, and the most that appends can make of it.
    return [...(await measure(3_000, [{ atLeast: 95 }, { atMost: 1.4 }])), ...(await measure(8_000, []))]
  } finally {
    redis.disconnect()
    await stage.close(0)
  }
}

function contentBytes(messages: readonly Message[]): number {
  return messages.reduce((bytes, { parts }) => {
    return bytes + parts.reduce((sum, part) => sum + (part.type === 'text' ? Buffer.byteLength(part.text) : 0), 0)
  }, 0)
}

function sideOf(name: string, bytes: number): Side {
  const kilobytes = bytes / 1_000
  return { name, unit: 'KB', spread: { median: kilobytes, lowerQuartile: kilobytes, upperQuartile: kilobytes } }
}

function findingOf(what: string, sides: Side[], unit: Unit, value: number, target: Target | undefined): Finding {
  const figure = { median: value, low: value, high: value }
  return { what, sides, unit, figure, rounds: [value], ...(target && { target }) }
}
