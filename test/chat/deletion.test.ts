import { Redis } from 'ioredis'
import { expect, inject, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { followReply, questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

test('a deletion ends a running, a queued and a followed reply, and leaves none of their text in Redis', async () => {
  const { nodes, model } = await startWireNodes()
  const [{ client }, other] = nodes
  const id = await startConversation(client)
  const stream = client.streamBySocket(sendMessage, { input: questionInput(id, 'hello') })
  const { replyId } = (await stream.next()).value.data.sendMessage
  const call = await model.nextCall()
  call.text('the secret')
  const followed = readAll(other.client.streamBySse(followReply, { id: replyId, after: null }))
  const queued = readSent(
    client.streamBySse(sendMessage, { input: { ...questionInput(id, 'queued'), onBusy: 'QUEUE' } }),
  )
  await expect.poll(() => replyKeys(id)).toContainEqual(expect.stringContaining('reply'))
  const query = `mutation { deleteConversation(id: "${id}") { __typename } }`
  await other.client.post({ query })
  call.finish()
  call.end()
  const gone = { __typename: 'ReplyFailed', code: 'NOT_FOUND' }
  expect((await readAll(stream)).at(-1)).toMatchObject({ data: { sendMessage: gone } })
  expect((await followed).at(-1)).toMatchObject({ data: { reply: gone } })
  expect((await queued).at(-1)).toMatchObject({ __typename: 'ReplyRejected', code: 'NOT_FOUND' })
  await expect.poll(() => replyKeys(id)).toEqual([])
})

async function readAll(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = []
  for await (const each of stream) all.push(each)
  return all
}

/** The keys of a conversation's replies. */
async function replyKeys(conversationId: string): Promise<string[]> {
  const redis = new Redis(inject('redisUrl'))
  try {
    return (await redis.keys(`*${conversationId}*`)).filter((key) => key.includes(':reply:'))
  } finally {
    redis.disconnect()
  }
}
