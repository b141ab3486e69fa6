import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import type { GraphqlClient } from '../support/graphql-client.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { createKeptLog } from '../support/kept-log.ts'
import { report } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { placeSent, readSent, sendMessage } from '../support/reply-operations.ts'

const TOLD = 'The code word is PELICAN.'
const ASKED = 'What is the code word?'
const recent = `query ($id: ID!) {
  recentContext(conversationId: $id) {
    chatMessages messages { role content model finishReason usage { promptTokens completionTokens estimated } }
  }
}`
const idOf = 'query ($externalId: String!) { conversation(externalId: $externalId) { id } }'
const probe = createModelProbe(inject('modelUrl'))

describe.each(['embedded', 'Redis and MongoDB'])('on %s stores', (stores) => {
  test('the model is given by sendMessage what recentContext shows, and its answer is streamed and stored', async () => {
    const client = await startApp(stores)
    const externalId = randomUUID()
    const told = await send(client, externalId, TOLD)
    const asked = await send(client, externalId, ASKED)
    const { prompt, generated } = await probe.readSlot()

    const messages = await readContext(client, externalId)
    expect(messages.map(({ content }) => content)).toEqual([TOLD, told, ASKED, asked])
    expect(asked).toBe(generated)
    expect(prompt).toContain(TOLD)
    expect(prompt).toBe(await probe.render(messages.slice(0, 3).map(({ chatMessage }) => chatMessage)))
    expect(messages[3]).toMatchObject({
      model: 'SmolLM2-135M-Instruct',
      finishReason: expect.stringMatching(/^(STOP|LENGTH)$/),
      usage: { promptTokens: await probe.countTokens(prompt), estimated: false },
    })
    report(`${ASKED} ${asked}`)
  })

  test('a client that leaves its stream and wants the reply to end then frees the model', async () => {
    const client = await startApp(stores)
    const input = { ...questionOf(randomUUID(), 'Tell me of the sea.'), maxReplyTokens: 1_500 }
    const endless = { ...input, onDisconnect: 'CANCEL' as const, modelOptions: { ignore_eos: true } }
    const stream = client.streamBySse(sendMessage, { input: endless })
    for await (const { data } of stream) if (data.sendMessage.__typename === 'ReplyDelta') break
    const leftAt = performance.now()
    await expect.poll(async () => (await probe.readSlot()).isProcessing, { interval: 5 }).toBe(false)
    report(`The model was free ${Math.round(performance.now() - leftAt)} ms after the client had left.`)
    await expect
      .poll(async () => (await readContext(client, input.externalId)).map(({ role }) => role))
      .toEqual(['USER', 'ASSISTANT'])
  })
})

function questionOf(externalId: string, content: string) {
  return { externalId, content, clientMessageId: randomUUID(), maxReplyTokens: 60 }
}

/** The text of the answer, as the deltas give it and as the end says that it is stored. */
async function send(client: GraphqlClient, externalId: string, content: string): Promise<string> {
  const events = await readSent(client.streamBySse(sendMessage, { input: questionOf(externalId, content) }))
  const text = placeSent(events)
  expect(events.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: text } })
  return text
}

interface ReadMessage {
  role: string
  content: string
  model: string | null
  finishReason: string | null
  usage: object | null
  chatMessage: object
}

async function readContext(client: GraphqlClient, externalId: string): Promise<ReadMessage[]> {
  const found = await client.post({ query: idOf, variables: { externalId } })
  const { id } = (found.data as { conversation: { id: string } }).conversation
  const { data } = await client.post({ query: recent, variables: { id } })
  const { messages, chatMessages } = (data as { recentContext: { messages: ReadMessage[]; chatMessages: object[] } })
    .recentContext
  return messages.map((message, index) => ({ ...message, chatMessage: chatMessages[index] ?? {} }))
}

async function startApp(stores: string): Promise<GraphqlClient> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-model-'))
  const app = createApp(loadConfig(environmentOf(stores, directory)), createKeptLog())
  const client = createGraphqlClient(await app.start())
  onTestFinished(async () => {
    await client.close()
    await app.stop()
    await rm(directory, { recursive: true, force: true })
  })
  return client
}

function environmentOf(stores: string, directory: string): Record<string, string> {
  const model = { OPENAI_BASE_URL: `${inject('modelUrl')}/v1`, OPENAI_MODEL: 'SmolLM2-135M-Instruct' }
  const embedded = { ...model, PORT: '0', DATA_DIR: directory, SHUTDOWN_DEADLINE_MS: '2000' }
  if (stores === 'embedded') return embedded
  const mongodb = new URL(inject('mongodbUrl'))
  mongodb.pathname = `/model-${randomUUID()}`
  return { ...embedded, MONGODB_URL: mongodb.href, REDIS_URL: inject('redisUrl'), REDIS_COMMAND_TIMEOUT_MS: '5000' }
}
