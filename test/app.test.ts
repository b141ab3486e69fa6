import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { appendTexts, startConversation } from './support/conversation-operations.ts'
import { createGraphqlClient } from './support/graphql-client.ts'
import { createKeptLog } from './support/kept-log.ts'
import { placeSent, questionInput, readSent, sendMessage } from './support/reply-operations.ts'

const recent = 'query ($id: ID!) { recentContext(conversationId: $id) { source messages { content } } }'

describe.each(['embedded', 'Redis and MongoDB'])('on %s stores', (stores) => {
  test('the app remembers over a restart, and the log names conversations without their content', async () => {
    const environment = await environmentOf(stores)
    const first = await start(environment)
    const id = await startConversation(first.client)
    await appendTexts(first.client, id, 'something private')
    await first.stop()

    const second = await start(environment)
    const read = await second.client.post({ query: recent, variables: { id } })
    expect(read.data).toMatchObject({ recentContext: { messages: [{ content: 'something private' }] } })
    await expect
      .poll(async () => (await second.client.post({ query: recent, variables: { id } })).data)
      .toMatchObject({ recentContext: { source: 'CACHE' } })
    expect(second.log.entries).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        fields: { conversationId: id },
        message: expect.stringMatching(/^loaded 1 recent messages \(\d+ tokens\)$/),
      }),
    )
    expect(JSON.stringify([first.log.entries, second.log.entries])).not.toContain('private')
    await second.stop()
  })
})

test('a reply is streamed by the demo model', async () => {
  const { client, stop } = await start(await environmentOf('embedded'))
  const id = await startConversation(client)
  const whole = await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'hello') }))
  expect(whole.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: placeSent(whole) } })
  await stop()
})

test('an unreadable conversation is one line in the log, whatever reads it and however often', async () => {
  const environment = await environmentOf('embedded')
  const { client, log } = await start(environment)
  const id = await startConversation(client)
  await appendTexts(client, id, 'something')
  const file = new DatabaseSync(join(environment.DATA_DIR ?? '', 'backscroll.db'))
  file.prepare("UPDATE conversations SET branches = '[5]' WHERE id = ?").run(id)
  file.close()
  const context = `recentContext(conversationId: "${id}", consistency: STRONG) { messages { content } }`
  for (let count = 0; count < 5; count += 1) {
    const { errors } = await client.post({ query: `{ ${context} }` })
    expect(errors).toMatchObject([{ extensions: { code: 'CONVERSATION_UNREADABLE' } }])
    expect((await client.post({ query: '{ conversations { nodes { id } } }' })).data).toMatchObject({
      conversations: { nodes: [] },
    })
    await readSent(client.streamBySse(sendMessage, { input: questionInput(id, `question ${count}`) }))
  }
  const fields = { conversationId: id, reason: expect.stringContaining('branches') }
  expect(log.entries.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([
    { level: 'error', fields, message: 'a conversation cannot be read' },
  ])
})

describe('an app that cannot start leaves nothing open', () => {
  test.each([
    ['its history is away', { MONGODB_URL: 'mongodb://127.0.0.1:1/away?directConnection=true' }, ''],
    ['its directory cannot be made', { DATA_DIR: '/proc/x' }, 'DATA_DIR'],
    ['its Redis lacks the database', { REDIS_URL: `${inject('redisUrl')}/99` }, 'REDIS_URL'],
    ['its address is not of this machine', { HOST: '127.0.0.1', PORT: 'TAKEN' }, 'PORT'],
  ])('when %s', async (_, environment: Record<string, string>, reason) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const settings: Record<string, string> = {
      ...(await environmentOf('embedded')),
      REDIS_URL: inject('redisUrl'),
      ...environment,
    }
    const before = openResources()
    const app = createApp(
      loadConfig({ ...settings, ...(settings.PORT === 'TAKEN' && { PORT: `${port}` }) }),
      createKeptLog(),
    )
    await expect(app.start()).rejects.toThrow(reason)
    await expect.poll(openResources).toEqual(before)
    taken.close()
  })
})

test('an app that is stopped at any moment of its start does not start, and leaves nothing open', async () => {
  const environment = await environmentOf('Redis and MongoDB')
  const before = openResources()
  let hasStarted = false
  for (let ticks = 0; !hasStarted; ticks = Math.ceil(ticks * 1.5) + 1) {
    const app = createApp(loadConfig(environment), createKeptLog())
    const starting = app.start().then(
      () => true,
      () => false,
    )
    for (let tick = 0; tick < ticks; tick += 1) await setImmediate()
    await app.stop()
    hasStarted = await starting
    await expect.poll(openResources).toEqual(before)
  }
}, 180_000)

/** Sockets and servers that hold this process. */
function openResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /TCP|Pipe|Worker/i.test(name))
    .toSorted()
}

test('an app whose cache is away starts, answers and stops', async () => {
  const environment = { ...(await environmentOf('embedded')), REDIS_URL: 'redis://127.0.0.1:1' }
  const { client, stop } = await start(environment)
  const id = await startConversation(client)
  await appendTexts(client, id, 'one')
  const { data } = await client.post({ query: recent, variables: { id } })
  expect(data).toEqual({ recentContext: { source: 'HISTORY', messages: [{ content: 'one' }] } })
  await stop()
})

test('a model that refuses is one line with its host and reason, and another when it answers again', async () => {
  let isRefusing = true
  const provider = createHttpServer((request, response) => {
    request.resume()
    if (isRefusing) {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { message: 'Wrong key sk-secret for: private', code: 'invalid_api_key' } }))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end('data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
  }).listen(0, '127.0.0.1')
  await once(provider, 'listening')
  onTestFinished(() => void provider.close())
  const host = `127.0.0.1:${(provider.address() as AddressInfo).port}`
  const model = { OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: `http://${host}/v1`, OPENAI_MODEL: 'small' }
  const { client, log, stop } = await start({ ...(await environmentOf('embedded')), ...model })
  const id = await startConversation(client)
  for (const text of ['one', 'two', 'three']) {
    isRefusing = text !== 'three'
    await readSent(client.streamBySse(sendMessage, { input: questionInput(id, `private ${text}`) }))
  }
  expect(log.entries.filter(({ message }) => String(message).startsWith('the model '))).toMatchObject([
    {
      level: 'warn',
      fields: { host, model: 'small', reason: expect.stringMatching(/^MODEL_REJECTED 401/) },
      message: 'the model fails',
    },
    { level: 'debug' },
    { level: 'info', fields: { host, faults: 2 }, message: 'the model answers again' },
  ])
  expect(JSON.stringify(log.entries)).not.toMatch(/private|sk-secret/)
  await stop()
})

test.each([
  ['answers 404 with a page', 404, /^MODEL_REJECTED 404: is OPENAI_BASE_URL right\? It usually ends in \/v1$/],
  ['cannot be reached', undefined, /^MODEL_UNAVAILABLE ECONNREFUSED$/],
])('a model server that %s is told with the reason, and clients see nothing of it', async (_, status, reason) => {
  const server = createHttpServer((request, response) => {
    request.resume()
    response.writeHead(status ?? 200, { 'content-type': 'text/html' }).end('<html>nginx private</html>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(() => void server.close())
  if (status === undefined) await new Promise((resolve) => server.close(resolve))
  const model = { OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: `http://${host}` }
  const { client, log, stop } = await start({ ...(await environmentOf('embedded')), ...model })
  const id = await startConversation(client)
  const events = await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'private') }))
  expect(events.at(-1)).toMatchObject({ __typename: 'ReplyFailed' })
  expect(JSON.stringify(events)).not.toMatch(/nginx|127\.0\.0\.1|ECONN|OPENAI|sk-secret/)
  const [line] = log.entries.filter(({ message }) => message === 'the model fails')
  expect(line).toMatchObject({ level: 'warn', fields: { host, reason: expect.stringMatching(reason) } })
  expect(JSON.stringify(log.entries)).not.toMatch(/private|sk-secret/)
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
