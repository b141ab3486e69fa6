import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../../src/errors.ts'
import type { History } from '../../../../src/memory/history/history.ts'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'
import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { type Service, startMongodb } from '../../../support/services.ts'
import { everyHistoryCall } from '../every-history-call.ts'
import { sampleConversation, sampleMessages } from '../stored-samples.ts'
import { databaseUrl } from './mongo-database.ts'

/** A call takes 4.5 s at most; without its deadline it would wait for the driver's 30 s. */
const BOUND_MS = 20_000

describe('the history while MongoDB is away', () => {
  let server: Service
  let history: History

  beforeAll(async () => {
    server = await startMongodb()
    const url = databaseUrl(server.url, 'faults')
    history = createMongoHistory(new MongoClient(url, mongoClientOptions(url)))
    await history.prepare()
  })

  afterAll(async () => {
    await history.close()
    await server.stop()
  })

  /** Every method at once, each with the time it took to fail. */
  async function expectUnavailable(): Promise<void> {
    const begin = performance.now()
    const failures = Object.entries(everyHistoryCall(history)).map(async ([name, call]) => {
      const error = await call().then(
        () => 'answered',
        (reason: unknown) => reason,
      )
      return { name, error, elapsedMs: performance.now() - begin }
    })
    for (const { name, error, elapsedMs } of await Promise.all(failures)) {
      expect(error, name).toBeInstanceOf(HistoryUnavailableError)
      expect(error, name).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true })
      expect(elapsedMs, name).toBeLessThan(BOUND_MS)
    }
  }

  it('fails every call in bounded time, and has all that it acknowledged when MongoDB is back', async () => {
    const { conversation } = await history.createConversation(sampleConversation())
    const messages = sampleMessages(conversation.id, 1, 20)
    await history.insertMessages(messages)
    await server.kill()
    await expectUnavailable()
    await server.restart()
    await vi.waitFor(async () => {
      expect(await history.findConversations('ann', [conversation.id])).toStrictEqual([conversation])
    }, 60_000)
    const range = { conversationId: conversation.id, branch: '0', fromTokens: 0, limit: 100 }
    expect(await history.readTokenRange(range)).toStrictEqual(messages.reverse())
  })

  it('fails every call in bounded time while MongoDB hangs, and works when it goes on', async () => {
    const { conversation } = await history.createConversation(sampleConversation())
    await server.pause()
    await expectUnavailable()
    await server.resume()
    await vi.waitFor(async () => {
      expect(await history.findConversations('ann', [conversation.id])).toStrictEqual([conversation])
    }, 60_000)
  })

  it('fails as unavailable once it is closed', async () => {
    const closed = createMongoHistory(new MongoClient(server.url, mongoClientOptions(server.url)))
    await closed.findUnfinishedDeletions(0, 1)
    await closed.close()
    await expect(closed.findUnfinishedDeletions(0, 1)).rejects.toBeInstanceOf(HistoryUnavailableError)
  })

  it('fails as the programming error that it is when a call is wrong', async () => {
    const [message] = sampleMessages(sampleConversation().id, 1, 1)
    const both = { ...message, clientMessageId: 'a', replyId: 'b' } as NonNullable<typeof message>
    await expect(history.insertMessages([both])).rejects.toBeInstanceOf(TypeError)
  })
})
