import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import OpenAI from 'openai'
import { createOpenAiModel } from '../src/chat/model/openai-model.ts'
import { type HandWritten, keyOf, openHandWritten } from './peers/hand-written.ts'
import { type Contender, compare } from './support/compare.ts'
import { contextRequest, OWNER_ID, readAll, storeConversation } from './support/conversation.ts'
import { startDelayProxy } from './support/delay-proxy.ts'
import type { Finding, Side } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { startModelServer } from './support/model-server.ts'
import { readUntil } from './support/read-until.ts'
import { cacheKeys, redisBytes } from './support/redis-bytes.ts'
import { newReply, openReplies } from './support/replies.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 200
/** Of a round trip to either store; that to the model counts as its thinking. */
const NETWORK_MS = 5
const THINKING_MS = 50
const MODEL = 'scripted'

/**
 * The case that Backscroll is for: somebody comes back to a conversation of 1,000 messages that no cache
 * holds any more, and the stores are 5 ms away. Before is the usual code, after is Backscroll.
 */
export async function measureScenario(grounds: Grounds): Promise<Finding[]> {
  const redisUrl = await grounds.redisUrl()
  const model = await startModelServer(THINKING_MS)
  const proxies = await Promise.all([
    startDelayProxy(await databaseUrl(grounds, 'scenario'), NETWORK_MS),
    startDelayProxy(redisUrl, NETWORK_MS),
  ])
  const stores = { mongodbUrl: proxies[0].url, redisUrl: proxies[1].url }
  const stage = await openStage(grounds, stores)
  const before = await openHandWritten(stores)
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    await before.fill(id, await readAll(stage, id, MESSAGES))
    return [
      await compareContexts(grounds, before, stage, id),
      await compareMemory(redisUrl, id),
      await compareFirstTokens(grounds, before, stage, id, model.url),
    ]
  } finally {
    await before.close()
    await stage.close(0)
    for (const part of [...proxies, model]) await part.close()
  }
}

function compareContexts({ options }: Grounds, before: HandWritten, stage: Stage, id: string): Promise<Finding> {
  const request = contextRequest(id)
  const sides: [Contender, Contender] = [
    { name: 'before', run: () => before.readContext(id, request.maxTokens), before: () => before.forget(id) },
    { name: 'after', run: () => stage.memory.readContexts([request]), before: () => stage.forget(id) },
  ]
  return compare('time to the context', sides, options, 'RATIO')
}

/** What the reads have left there. */
async function compareMemory(redisUrl: string, id: string): Promise<Finding> {
  const redis = new Redis(redisUrl)
  try {
    const bytes = [await redisBytes(redis, [keyOf(id)]), await redisBytes(redis, cacheKeys(id))] as const
    const value = bytes[0] / bytes[1]
    const figure = { median: value, low: value, high: value }
    const sides = [sideOf('before', bytes[0]), sideOf('after', bytes[1])]
    return { what: 'memory in Redis', sides, unit: '×', figure, rounds: [value] }
  } finally {
    redis.disconnect()
  }
}

function sideOf(name: string, bytes: number): Side {
  const kilobytes = bytes / 1_000
  return { name, unit: 'KB', spread: { median: kilobytes, lowerQuartile: kilobytes, upperQuartile: kilobytes } }
}

function compareFirstTokens(
  { options }: Grounds,
  before: HandWritten,
  stage: Stage,
  id: string,
  modelUrl: string,
): Promise<Finding> {
  const sides = [askBefore(before, id, modelUrl), askAfter(stage, id, modelUrl)] as const
  return compare(`time to the first token, of which the model takes ${THINKING_MS} ms`, sides, options, 'DIFFERENCE')
}

/** Stores the question, builds the context, calls the model, stores the answer. */
function askBefore(before: HandWritten, conversationId: string, baseURL: string): Contender {
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 })
  let sequence = MESSAGES
  let rest: () => Promise<void>
  const append = (role: string, content: string) => {
    sequence += 1
    return before.append({ conversationId, sequence, role, content, createdAt: new Date() })
  }
  return {
    name: 'before',
    before: () => before.forget(conversationId),
    async run() {
      await append('USER', `What did we agree on last week? ${randomUUID()}`)
      const context = await before.readContext(conversationId, contextRequest(conversationId).maxTokens)
      const messages = context.map(({ role, content }) => {
        return role === 'ASSISTANT' ? { role: 'assistant' as const, content } : { role: 'user' as const, content }
      })
      const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true })
      rest = await readUntil(stream, ({ choices }) => Boolean(choices[0]?.delta.content))
    },
    async after() {
      await rest()
      await append('ASSISTANT', 'Hello, and thank you for your question.')
    },
  }
}

function askAfter(stage: Stage, conversationId: string, baseUrl: string): Contender {
  const replies = openReplies(stage, createOpenAiModel({ baseUrl, model: MODEL }))
  let rest: () => Promise<void>
  return {
    name: 'after',
    before: () => stage.forget(conversationId),
    async run() {
      const stream = await replies.send(OWNER_ID, newReply(conversationId), new AbortController().signal)
      rest = await readUntil(stream, ({ type }) => type === 'ReplyDelta')
    },
    after: () => rest(),
  }
}
