import { openHandWritten } from './peers/hand-written.ts'
import { compare } from './support/compare.ts'
import { contextRequest, readAll, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { databaseUrl, openStage } from './support/stage.ts'

const MESSAGES = 1_000
/** About 60 tokens. */
const MESSAGE_BYTES = 260
const TARGET = { atLeast: 20 }

/** A context that is not cached: the usual code, which loads and counts everything, against Backscroll. */
export async function measureMiss(grounds: Grounds): Promise<Finding[]> {
  const stores = { mongodbUrl: await databaseUrl(grounds, 'miss'), redisUrl: await grounds.redisUrl() }
  const stage = await openStage(grounds, stores)
  const handWritten = await openHandWritten(stores)
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    await handWritten.fill(id, await readAll(stage, id, MESSAGES))
    const request = contextRequest(id)
    const usual = {
      name: handWritten.name,
      run: () => handWritten.readContext(id, request.maxTokens),
      before: () => handWritten.forget(id),
    }
    const ours = {
      name: 'readContexts',
      run: () => stage.memory.readContexts([request]),
      before: () => stage.forget(id),
    }
    return [await compare('1,000 messages, 3,000 tokens', [usual, ours], grounds.options, 'RATIO', TARGET)]
  } finally {
    await handWritten.close()
    await stage.close(0)
  }
}
