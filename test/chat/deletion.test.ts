import { Redis } from 'ioredis'
import { expect, inject, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { ask, followReply, readSent, sendMessage } from '../support/reply-operations.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

/** A log that its node ended lives this long at most. */
const ENDED_LOG_MS = 60_000

test('a deletion ends a running, a queued and a followed reply, and leaves none of their text in Redis', async () => {
  const { nodes, model } = await startWireNodes()
  const [{ client }, other] = nodes
  const id = await startConversation(client)
  const stream = client.streamBySocket(sendMessage, { input: ask(id, 'hello') })
  const { replyId } = (await stream.next()).value.data.sendMessage
  const call = await model.nextCall()
  call.text('the secret')
  const followed = readAll(other.client.streamBySse(followReply, { id: replyId, after: null }))
  const queued = readSent(client.streamBySse(sendMessage, { input: { ...ask(id, 'queued'), onBusy: 'QUEUE' } }))
  await expect.poll(async () => (await dumpRedis(id)).keys).toContainEqual(expect.stringContaining('reply'))
  const query = `mutation { deleteConversation(id: "${id}") { __typename } }`
  await other.client.post({ query })
  call.finish()
  call.end()
  await Promise.all([readAll(stream), followed])
  expect((await queued).at(-1)).toMatchObject({ __typename: 'ReplyRejected', code: 'NOT_FOUND' })
  await expect.poll(async () => (await dumpRedis(id)).lives.every((ms) => ms <= ENDED_LOG_MS)).toBe(true)
})

async function readAll(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = []
  for await (const each of stream) all.push(each)
  return all
}

/** The keys of a conversation's replies, and how long each of them lives. */
async function dumpRedis(conversationId: string): Promise<{ keys: string[]; lives: number[] }> {
  const redis = new Redis(inject('redisUrl'))
  try {
    const keys = (await redis.keys(`*${conversationId}*`)).filter((key) => key.includes(':reply:'))
    return { keys, lives: await Promise.all(keys.map((key) => redis.pttl(key))) }
  } finally {
    redis.disconnect()
  }
}
