import { MongoClient } from 'mongodb'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../../src/errors.ts'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'
import { createMongoReplies } from '../../../../src/memory/history/mongo/mongo-replies.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { startMongodb } from '../../../support/services.ts'
import { everyReplyCall } from '../every-reply-call.ts'
import { describeReplyRecords } from '../reply-records-suite.ts'
import { sampleReply } from '../reply-samples.ts'
import { openDatabase } from './mongo-database.ts'

/** A call takes 4.5 s at most; without its deadline it would wait for the driver's 30 s. */
const BOUND_MS = 20_000

const client = await openDatabase('reply-records-suite', { monitorCommands: true })

afterAll(() => client.close())

describeReplyRecords('replies in MongoDB', async () => createMongoReplies(client))

test('every method but the one that makes indexes is at most two commands to MongoDB', async () => {
  let commands: string[] = []
  client.on('commandSucceeded', ({ commandName }) => commands.push(commandName))
  const records = createMongoReplies(client)
  // The first read asks what server it is.
  await records.findLeaseOver(0, 1)
  const { prepare: _, ...calls } = everyReplyCall(records)
  for (const [name, call] of Object.entries(calls)) {
    commands = []
    await call()
    expect(commands.length, name).toBeGreaterThan(0)
    expect(commands.length, name).toBeLessThanOrEqual(2)
  }
})

test('while MongoDB is away every call fails in bounded time, and what was acknowledged is there afterwards', async () => {
  const server = await startMongodb()
  onTestFinished(server.stop)
  const own = new MongoClient(server.url, mongoClientOptions(server.url))
  const records = createMongoReplies(own)
  await records.prepare()
  const reply = sampleReply(createConversationId())
  await records.insert(reply)
  await records.change(reply.id, { phase: 'RUN' }, { text: 'a checkpoint', bumpBeat: true })
  for (const [leave, comeBack] of [
    [server.kill, server.restart],
    [server.pause, server.resume],
  ] as const) {
    await leave()
    const begin = performance.now()
    const calls = Object.entries(everyReplyCall(records)).map(async ([name, call]) => {
      await expect(call(), name).rejects.toBeInstanceOf(HistoryUnavailableError)
      expect(performance.now() - begin, name).toBeLessThan(BOUND_MS)
    })
    await Promise.all(calls)
    await comeBack()
    await vi.waitFor(async () => {
      expect(await records.find('ann', reply.id)).toStrictEqual({ ...reply, text: 'a checkpoint', beat: 1 })
    }, 60_000)
  }
  expect(await records.insert(sampleReply(reply.conversationId))).toBe(false)
  await own.close()
  await expect(records.find('ann', reply.id)).rejects.toBeInstanceOf(HistoryUnavailableError)
})
