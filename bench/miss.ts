import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { compare } from './support/compare.ts'
import { contextRequest, readAll, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { createHandWritten, type PlainMessage } from './support/hand-written.ts'
import { databaseUrl, openStage } from './support/stage.ts'

const MESSAGES = 1_000
/** About 60 tokens. */
const MESSAGE_BYTES = 260
const TARGET = { atLeast: 20 }

/** A context that is not cached: the usual code, which loads and counts everything, against Backscroll. */
export async function measureMiss(grounds: Grounds): Promise<Finding[]> {
  const mongodbUrl = await databaseUrl(grounds, 'miss')
  const redisUrl = await grounds.redisUrl()
  const stage = await openStage(grounds, { mongodbUrl, redisUrl })
  const client = new MongoClient(mongodbUrl)
  const redis = new Redis(redisUrl)
  try {
    const handWritten = createHandWritten(client.db().collection<PlainMessage>('plainMessages'), redis)
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    await handWritten.store(await readAll(stage, id, MESSAGES))
    const request = contextRequest(id)
    const usual = {
      name: 'load, count, trim, cache',
      run: () => handWritten.readContext(id, request.maxTokens),
      before: () => handWritten.drop(id),
    }
    const ours = {
      name: 'readContexts',
      run: () => stage.memory.readContexts([request]),
      before: () => stage.forget(id),
    }
    return [await compare('1,000 messages, 3,000 tokens', [usual, ours], grounds.options, 'RATIO', TARGET)]
  } finally {
    redis.disconnect()
    await client.close()
    await stage.close(0)
  }
}
