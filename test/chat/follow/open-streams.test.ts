import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type ChoirProcess, startChoirProcess } from '../../support/choir-process.ts'
import { startConversation } from '../../support/conversation-operations.ts'
import { createGraphqlClient } from '../../support/graphql-client.ts'
import { questionInput, startReply } from '../../support/reply-operations.ts'
import { type StreamSubscriber, subscribe } from '../../support/sse-subscriber.ts'
import { storedTexts } from '../../support/stored-texts.ts'
import { sharedStores } from '../../support/wire-nodes.ts'

const STREAMS = 1_000
/** So many are opened at a time, as a listening socket takes no more at once. */
const BATCH = 50
/** A stream takes 13 KB, one with a reply of its own 29; beyond this something is held that need not be. */
const MOST_HEAP_BYTES = 40 * 1024
const WAIT = { timeout: 120_000, interval: 50 }
const WORDS = ['One', ' two 👩‍🚀', ' e\u0301', ' three.']

const EVENT =
  '__typename replyId cursor ... on ReplyDelta { offset text } ... on ReplyCompleted { message { content } }'
const SEND = `subscription ($input: SendMessageInput!) { sendMessage(input: $input) { ${EVENT} } }`
const FOLLOW = `subscription ($id: ID!) { reply(id: $id) { ${EVENT} } }`

test(`${STREAMS} subscribers of one reply get every byte of it`, async () => {
  const { server, client } = await startServer(sharedStores())
  const id = await startConversation(client)
  const { startReply: result } = await client.get(startReply, { input: questionInput(id, 'hello') })
  if (result.__typename !== 'StartReplySuccess') throw new Error(JSON.stringify(result))
  const follow = () => subscribe(server.origin, FOLLOW, { id: result.reply.id })
  for (const subscriber of await openAll(BATCH, follow)) subscriber.unsubscribe()
  const subscribers = await streamAll(server, 'of one reply', follow)
  expect(new Set(subscribers.map(({ text }) => text))).toEqual(new Set([WORDS.join('')]))
  expect(await storedTexts(client, id)).toEqual(['hello', WORDS.join('')])
}, 300_000)

test(`${STREAMS} replies at once are streamed and stored to the last byte`, async () => {
  // On the embedded stores: its checkpoints are more writes than a MongoDB of the tests may take in time.
  const { server } = await startServer({ DATA_DIR: await mkdtemp(join(tmpdir(), 'backscroll-streams-')) })
  const send = (externalId: string) =>
    subscribe(server.origin, SEND, { input: { externalId, content: 'hello', clientMessageId: 'question' } })
  const before = await openAll(BATCH, (index) => send(`before-${index}`))
  await server.finish()
  await Promise.all(before.map(({ ended }) => ended))
  const subscribers = await streamAll(server, 'of a reply each', (index) => send(`measured-${index}`))
  expect(new Set(subscribers.map(({ text }) => text))).toEqual(new Set([WORDS.join('')]))
  expect(new Set(subscribers.map(({ last }) => last?.replyId)).size).toBe(STREAMS)
}, 300_000)

async function startServer(env: Record<string, string>) {
  const { DATA_DIR: directory } = env
  const server = await startChoirProcess(env)
  const client = createGraphqlClient(server.origin)
  onTestFinished(async () => {
    await client.close()
    await server.stop()
    if (directory !== undefined) await rm(directory, { recursive: true })
  })
  return { server, client }
}

/** Streams that hear a reply to its end, and what each of them costs the server while it is open. */
async function streamAll(
  server: ChoirProcess,
  what: string,
  open: (index: number) => StreamSubscriber,
): Promise<StreamSubscriber[]> {
  const before = await server.measureHeap()
  const subscribers = await openAll(STREAMS, open)
  for (const word of WORDS) {
    await server.emit(word)
    await expect.poll(() => subscribers.filter(({ text }) => !text.endsWith(word)).length, WAIT).toBe(0)
  }
  const bytes = ((await server.measureHeap()) - before) / STREAMS
  process.stdout.write(`${STREAMS} streams ${what} took ${(bytes / 1024).toFixed(1)} KB of heap each\n`)
  expect(bytes).toBeLessThan(MOST_HEAP_BYTES)
  await server.finish()
  await Promise.all(subscribers.map(({ ended }) => ended))
  for (const { text, last } of subscribers) {
    expect(last).toMatchObject({ __typename: 'ReplyCompleted', message: { content: text } })
  }
  return subscribers
}

/** Each has received that its reply has begun. */
async function openAll(count: number, open: (index: number) => StreamSubscriber): Promise<StreamSubscriber[]> {
  const subscribers: StreamSubscriber[] = []
  while (subscribers.length < count) {
    const batch = Array.from({ length: BATCH }, (_, index) => open(subscribers.length + index))
    await expect.poll(() => batch.filter(({ last }) => last === undefined).length, WAIT).toBe(0)
    subscribers.push(...batch)
  }
  return subscribers
}
