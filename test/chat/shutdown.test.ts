import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { FollowReplySubscription } from '../generated/graphql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { createGraphqlClient, type GraphqlClient, TRANSPORTS } from '../support/graphql-client.ts'
import { followReply, placeSent, questionInput, type SentEvent, sendMessage } from '../support/reply-operations.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { storedTexts } from '../support/stored-texts.ts'
import { sharedStores } from '../support/wire-nodes.ts'

/** The demo model repeats it, twice, at 25 ms a word: three to four seconds. */
const QUESTION = 'a '.repeat(50).trim()
/** A quarter of it is for replies to finish by themselves, the next one for what is interrupted then to be stored. */
const SHORT_DEADLINE_MS = 30_000
/** Longer than a test may take, as is the lease: what waited for one of them would never come. */
const LONG_DEADLINE_MS = 400_000
const LEASE_MS = 600_000
const GOING_AWAY = 1001

type FollowedEvent = FollowReplySubscription['reply']
type Stream = ReturnType<typeof startStream>

test('streams of a node that stops end with SHUTDOWN, and another node takes the conversations at once', async () => {
  const { node, client, other } = await startNodes(SHORT_DEADLINE_MS, await startEndlessModel())
  const streams = await Promise.all(TRANSPORTS.map((by) => beginStream(client, by)))
  const exitCode = await node.stop()
  for (const { id, read } of streams) {
    const events = await read
    const partial = { content: placeSent(events), status: 'INTERRUPTED' }
    expect(events.at(-1)).toMatchObject({ __typename: 'ReplyInterrupted', reason: 'SHUTDOWN', partial })
    expect(await storedTexts(other.client, id)).toEqual([QUESTION, placeSent(events)])
  }
  expect(exitCode).toBe(0)
  const next = other.client.streamBySse(sendMessage, { input: questionInput(streams[0]?.id ?? '', 'And now?') })
  expect((await next.next()).value.data.sendMessage).toMatchObject({ __typename: 'ReplyStarted' })
})

test('streams of a node that has the time for it are completed before it stops', async () => {
  const { node, client, other } = await startNodes(LONG_DEADLINE_MS)
  const streams = await Promise.all(TRANSPORTS.map((by) => beginStream(client, by)))
  const exitCode = await node.stop()
  for (const { id, read } of streams) {
    const events = await read
    expect(events.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: placeSent(events) } })
    expect(await storedTexts(other.client, id)).toEqual([QUESTION, placeSent(events)])
  }
  expect(exitCode).toBe(0)
})

test('a follower of the reply of another node is let go when its node stops, and goes on there', async () => {
  const { node, client, other } = await startNodes(SHORT_DEADLINE_MS)
  const { id, read } = await beginStream(other.client, 'SSE')
  const followers = await Promise.all(
    TRANSPORTS.map(async (by) => {
      const stream = client.streamBy(by, followReply, { conversationId: id })
      const first = (await stream.next()).value.data.reply
      return { rest: readRest(stream, [first]) }
    }),
  )
  const exitCode = await node.stop()
  expect(exitCode).toBe(0)
  const whole = placeSent(await read)
  for (const follower of followers) {
    const seen = await follower.rest
    const { replyId, cursor } = seen.at(-1) ?? {}
    const rest = other.client.streamBySocket(followReply, { id: replyId, after: cursor })
    const events = [...seen, ...(await readRest(rest))]
    expect(placeSent(events)).toBe(whole)
    expect(events.filter(({ __typename }) => __typename === 'ReplyCompleted')).toHaveLength(1)
  }
  expect(await storedTexts(other.client, id)).toEqual([QUESTION, whole])
})

/** A node that is to be stopped, and another one on the same stores. */
async function startNodes(deadlineMs: number, model: Record<string, string> = {}) {
  const env = {
    ...sharedStores(),
    ...model,
    REPLY_LEASE_MS: String(LEASE_MS),
    REPLY_CHECKPOINT_MS: '100',
    SHUTDOWN_DEADLINE_MS: String(deadlineMs),
  }
  const [node, there] = await Promise.all([startServerProcess(env), startServerProcess(env)])
  onTestFinished(async () => {
    await Promise.all([node.kill(), there.kill()])
  })
  return { node, client: clientOf(node), other: { client: clientOf(there) } }
}

/** The settings of a model that begins to speak and never ends. */
async function startEndlessModel(): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"choices":[{"delta":{"content":"So far"}}]}\n\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function clientOf({ url }: ServerProcess): GraphqlClient {
  const client = createGraphqlClient(url)
  onTestFinished(() => client.close())
  return client
}

/** A reply of the demo model that has begun to speak, read to its end. */
async function beginStream(client: GraphqlClient, by: (typeof TRANSPORTS)[number]) {
  const id = await startConversation(client)
  const stream = startStream(client, by, id)
  const begun = [await nextOf(stream), await nextOf(stream)]
  expect(begun.map(({ __typename }) => __typename)).toEqual(['ReplyStarted', 'ReplyDelta'])
  return { id, read: readAll(stream, begun) }
}

function startStream(client: GraphqlClient, by: (typeof TRANSPORTS)[number], id: string) {
  return client.streamBy(by, sendMessage, { input: questionInput(id, QUESTION) })
}

async function nextOf(stream: Stream): Promise<SentEvent> {
  return (await stream.next()).value.data.sendMessage
}

async function readAll(stream: Stream, begun: SentEvent[]): Promise<SentEvent[]> {
  for await (const { data } of stream) begun.push(data.sendMessage)
  return begun
}

/** To the end of the stream, or until the server goes away: a WebSocket is closed with a code, an SSE stream is cut. */
async function readRest(
  stream: AsyncIterable<{ data: { reply: FollowedEvent } }>,
  begun: FollowedEvent[] = [],
): Promise<FollowedEvent[]> {
  try {
    for await (const { data } of stream) begun.push(data.reply)
  } catch (error) {
    if (!isGoingAway(error)) throw error
  }
  return begun
}

function isGoingAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  return ('code' in error && error.code === GOING_AWAY) || ('message' in error && error.message === 'terminated')
}
