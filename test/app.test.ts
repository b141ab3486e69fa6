import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { say, startConversation } from './support/conversation-operations.ts'
import { createGraphqlClient } from './support/graphql-client.ts'
import { createKeptLog } from './support/kept-log.ts'
import { ask, placeSent, readSent, sendMessage } from './support/reply-operations.ts'

const recent = 'query ($id: ID!) { recentContext(conversationId: $id) { source messages { content } } }'

describe.each(['embedded', 'Redis and MongoDB'])('on %s stores', (stores) => {
  test('the app remembers over a restart, and the log names conversations without their content', async () => {
    const environment = await environmentOf(stores)
    const first = await start(environment)
    const id = await startConversation(first.client)
    await say(first.client, id, 'something private')
    await first.stop()

    const second = await start(environment)
    const read = await second.client.post({ query: recent, variables: { id } })
    expect(read.data).toMatchObject({ recentContext: { messages: [{ content: 'something private' }] } })
    await expect
      .poll(async () => (await second.client.post({ query: recent, variables: { id } })).data)
      .toMatchObject({ recentContext: { source: 'CACHE' } })
    expect(second.log.entries).toContainEqual(
      expect.objectContaining({
        level: 'info',
        fields: { conversationId: id },
        message: expect.stringMatching(/^loaded 1 recent messages \(\d+ tokens\)$/),
      }),
    )
    expect(JSON.stringify([first.log.entries, second.log.entries])).not.toContain('private')
    await second.stop()
  })
})

describe.each(['embedded', 'Redis and MongoDB'])('a reply on %s stores', (stores) => {
  test('is streamed by the demo model, and is told that its node stops', async () => {
    const { client, stop } = await start({ ...(await environmentOf(stores)), SHUTDOWN_DEADLINE_MS: '2000' })
    const id = await startConversation(client)
    const whole = await readSent(client.streamBySse(sendMessage, { input: ask(id, 'hello') }))
    expect(whole.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: placeSent(whole) } })

    const input = ask(id, 'again')
    const streams = [client.streamBySse(sendMessage, { input }), client.streamBySocket(sendMessage, { input })]
    const [one, two] = await Promise.all(
      streams.map(async (stream) => ({ first: await stream.next(), rest: readSent(stream) })),
    )
    await stop()
    for (const told of [one, two]) {
      const events = (await told?.rest) ?? []
      expect(events.at(-1)).toMatchObject({ __typename: 'ReplyInterrupted', reason: 'SHUTDOWN' })
      expect(events.at(-1)).toMatchObject({ partial: { content: placeSent(events), status: 'INTERRUPTED' } })
    }
  })
})

test('an app whose history is away does not start, and leaves nothing open', async () => {
  const { MONGODB_URL: _, ...environment } = await environmentOf('embedded')
  const away = { ...environment, MONGODB_URL: 'mongodb://127.0.0.1:1/away?directConnection=true' }
  const app = createApp(loadConfig(away), createKeptLog())
  await expect(app.start()).rejects.toThrow('The history cannot be reached')
})

test('an app whose cache is away starts, answers and stops', async () => {
  const environment = { ...(await environmentOf('embedded')), REDIS_URL: 'redis://127.0.0.1:1' }
  const { client, stop } = await start(environment)
  const id = await startConversation(client)
  await say(client, id, 'one')
  const { data } = await client.post({ query: recent, variables: { id } })
  expect(data).toEqual({ recentContext: { source: 'HISTORY', messages: [{ content: 'one' }] } })
  await stop()
})

async function environmentOf(stores: string): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-app-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const embedded = { PORT: '0', DATA_DIR: directory, SHUTDOWN_DEADLINE_MS: '2000' }
  if (stores === 'embedded') return embedded
  const mongodb = new URL(inject('mongodbUrl'))
  mongodb.pathname = `/app-${randomUUID()}`
  return { ...embedded, MONGODB_URL: mongodb.href, REDIS_URL: inject('redisUrl'), REDIS_COMMAND_TIMEOUT_MS: '5000' }
}

async function start(environment: Record<string, string>) {
  const log = createKeptLog()
  const app = createApp(loadConfig(environment), log)
  const client = createGraphqlClient(await app.start())
  const stop = async () => {
    await app.stop()
    await client.close()
  }
  onTestFinished(stop)
  return { client, log, stop }
}
