import { startRedis } from '../test/support/services.ts'
import { compare } from './support/compare.ts'
import { contextRequest, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { databaseUrl, openStage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 260
/** A slice must hold enough reads for its slowest hundredth to say something. */
const SLICE_FACTOR = 20
const TARGET = { atMost: 1.2 }

/**
 * The slowest reads while Redis takes commands and answers none, against those where it was never
 * configured: both find no cached tail and ask MongoDB. The breaker is open by then.
 */
export async function measureOutage(grounds: Grounds): Promise<Finding[]> {
  const mongodbUrl = await databaseUrl(grounds, 'outage')
  const redis = await startRedis()
  const hung = await openStage(grounds, { mongodbUrl, redisUrl: redis.url })
  const never = await openStage(grounds, { mongodbUrl })
  try {
    const id = await storeConversation(never, MESSAGES, MESSAGE_BYTES)
    const request = contextRequest(id)
    await redis.pause()
    while (hung.guard.available) await hung.memory.readContexts([request])
    const away = { name: 'Redis hung', run: () => hung.memory.readContexts([request]) }
    const absent = {
      name: 'Redis never configured',
      run: () => never.memory.readContexts([request]),
      before: () => never.forget(id),
    }
    const slicing = { ...grounds.options, sliceMs: grounds.options.sliceMs * SLICE_FACTOR, latency: 'p99' as const }
    return [await compare('cold read, 99th percentile of a slice', [away, absent], slicing, 'RATIO', TARGET)]
  } finally {
    await redis.resume()
    await hung.close(0)
    await never.close(0)
    await redis.stop()
  }
}
