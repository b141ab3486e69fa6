import { beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../support/memory-node.ts'
import { type Service, startMongodb } from '../support/services.ts'
import { OWNER, readContext, startConversation, storeConversation } from '../support/stored-conversation.ts'

/** The history promises five seconds a call, and an append makes a few; the machine may be busy. */
const BOUND_MS = 20_000
const RECOVERY = { timeout: 60_000 }

const MESSAGE = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'hello' }], clientMessageId: 'once' }

let server: Service
let place: { mongodbUrl: string }
let node: MemoryNode
let cached: string
let cold: string

beforeEach(async () => {
  server = await startMongodb()
  onTestFinished(() => server.stop())
  place = newMongodb(server.url)
  node = await startMemoryNode({ history: place, redisUrl: inject('redisUrl') })
  cold = (await storeConversation(node, { length: 20 })).conversationId
  cached = (await storeConversation(node, { length: 20 })).conversationId
  await readContext(node, cached, 500)
  await node.settle()
})

describe.each<[string, (server: Service) => Promise<void>, (server: Service) => Promise<void>]>([
  ['killed', (killed) => killed.kill(), (killed) => killed.restart()],
  ['hung', (hung) => hung.pause(), (hung) => hung.resume()],
])('while MongoDB is %s', (_, takeAway, bringBack) => {
  test('what needs it fails in bounded time and can be tried again, and hits are answered', async () => {
    await takeAway(server)
    for (const attempt of [
      () => node.memory.appendMessages(OWNER, cached, [MESSAGE]),
      () => readContext(node, cold, 500),
      () => readContext(node, cached, 1_000),
      () => startConversation(node),
    ]) {
      const error = await failureOf(attempt())
      expect(error).toBeInstanceOf(HistoryUnavailableError)
      expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true })
      expect(await readContext(node, cached, 300)).toMatchObject({ source: 'CACHE', messages: { length: 6 } })
    }
    await bringBack(server)
    // First attempts may still wait for a connection in vain; with its client id an append can be made again.
    const soon = <T>(attempt: () => Promise<T>) => vi.waitFor(attempt, RECOVERY)
    const context = await soon(() => readContext(node, cold, 500))
    expect(context).toMatchObject({ source: 'HISTORY', messages: { length: 10 } })
    const { messages } = await soon(() => node.memory.appendMessages(OWNER, cached, [MESSAGE]))
    const again = await soon(() => node.memory.appendMessages(OWNER, cached, [MESSAGE]))
    expect(again).toMatchObject({ messages, stored: [] })
    const whole = await soon(() => readContext(node, cached, 2_000))
    expect(whole.messages.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 21 }, (__, index) => index + 1))
  })
})

test('an append that got as far as its mark sends the readers of its conversation, and of no other, to MongoDB', async () => {
  const insertMessages = () => Promise.reject(new HistoryUnavailableError(new Error('gone')))
  const marking = await startMemoryNode({
    history: place,
    redisUrl: inject('redisUrl'),
    change: () => ({ insertMessages }),
  })
  await readContext(node, cold, 500)
  await node.settle()
  await expect(marking.memory.appendMessages(OWNER, cached, [MESSAGE])).rejects.toThrow(HistoryUnavailableError)
  expect(await readContext(node, cached, 300)).toMatchObject({ messages: { length: 6 } })
  await server.pause()
  expect(await failureOf(readContext(node, cached, 300))).toBeInstanceOf(HistoryUnavailableError)
  expect(await readContext(node, cold, 300)).toMatchObject({ source: 'CACHE', messages: { length: 6 } })
  await server.resume()
})

/** What it rejects with; that it does so in time is part of it. */
async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const begun = performance.now()
  const outcome = await work.then(
    () => 'It did not fail',
    (error: unknown) => error,
  )
  expect(performance.now() - begun).toBeLessThan(BOUND_MS)
  return outcome
}
