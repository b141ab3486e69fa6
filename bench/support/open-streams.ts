import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import PQueue from 'p-queue'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { OWNER_ID } from './conversation.ts'
import type { Finding } from './finding.ts'
import type { Grounds } from './grounds.ts'
import { newReply, openReplies } from './replies.ts'
import { openStage, type Stage } from './stage.ts'

const STREAMS = 1_000
const AT_ONCE = 16
/** No checkpoint and no heartbeat while it is measured. */
const QUIET = { leaseMs: 3_600_000, checkpointMs: 600_000, heartbeatMs: 600_000, idleMs: 600_000 }

/** What a reply that runs and is listened to holds of the heap, without the model's connection and the client's. */
export async function measureOpenStreams(grounds: Grounds): Promise<Finding> {
  const stage = await openStage(grounds, {})
  try {
    const kilobytes = await measureHeap(stage)
    const figure = { median: kilobytes, low: kilobytes, high: kilobytes }
    const what = `heap of each of ${STREAMS.toLocaleString('en')} open streams`
    return { what, sides: [], unit: 'KB', figure, rounds: [kilobytes] }
  } finally {
    await stage.close(0)
  }
}

async function measureHeap(stage: Stage): Promise<number> {
  const { memory } = stage
  const replies = openReplies(stage, silentModel, QUIET)
  const queue = new PQueue({ concurrency: AT_ONCE })
  const numbers = Array.from({ length: STREAMS }, (_, index) => index)
  const ids = await queue.addAll(
    numbers.map(() => async () => (await memory.createConversation(OWNER_ID, {}, 'FAIL')).conversation.id),
  )
  const listening = new AbortController()
  const before = usedHeap()
  const streams = await queue.addAll(
    ids.map((id) => async () => {
      const stream = await replies.send(OWNER_ID, newReply(id), listening.signal)
      const events = stream[Symbol.asyncIterator]()
      while ((await events.next()).value?.type !== 'ReplyDelta');
      return { events, waiting: events.next() }
    }),
  )
  await stage.drain()
  const kilobytes = (usedHeap() - before) / 1_000 / streams.length
  listening.abort()
  await Promise.all(streams.map(({ waiting }) => waiting))
  await replies.stop(10_000)
  return kilobytes
}

/** Says one thing and then nothing, until it is aborted. */
const silentModel: ChatModel = {
  defaultModel: 'silent',
  async *stream(_request, signal) {
    yield { type: 'text', text: 'Hello' }
    if (!signal.aborted) await once(signal, 'abort')
    signal.throwIfAborted()
  },
}

function usedHeap(): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  collectGarbage()
  return process.memoryUsage().heapUsed
}
