import { Redis } from 'ioredis'
import { asCached } from './peers/hand-written.ts'
import { compare } from './support/compare.ts'
import { contextRequest, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { openStage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 200
const FULL_TAIL_TOKENS = 8_000
const KEY = 'hit'
const TARGET = { atMost: 1.2 }

/** A context that is cached, as a function call, against one GET and JSON.parse of the same messages. */
export async function measureHit(grounds: Grounds): Promise<Finding[]> {
  const redisUrl = await grounds.redisUrl()
  const stage = await openStage(grounds, { redisUrl })
  const redis = new Redis(redisUrl)
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    const request = contextRequest(id)
    const findings: Finding[] = []
    const [context] = await stage.memory.readContexts([request])
    if (context === undefined || context instanceof Error) throw new Error('No context', { cause: context })
    await stage.drain()
    await redis.set(KEY, JSON.stringify(context.messages.map(asCached)))
    const ours = { name: 'readContexts', run: () => stage.memory.readContexts([request]) }
    const bare = { name: 'GET and parse', run: async () => JSON.parse((await redis.get(KEY)) ?? '') }
    const what = `${context.messages.length} messages, ${context.tokenCount} tokens`
    findings.push(await compare(what, [ours, bare], grounds.options, 'RATIO', TARGET))
    // The most that a tail holds: Redis sends all of it, and only what the budget wants is parsed.
    await stage.memory.readContexts([{ ...request, maxTokens: FULL_TAIL_TOKENS }])
    await stage.drain()
    findings.push(await compare(`${what}, of a full tail`, [ours, bare], grounds.options, 'RATIO'))
    return findings
  } finally {
    redis.disconnect()
    await stage.close(0)
  }
}
