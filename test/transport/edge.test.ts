import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createYoga } from 'graphql-yoga'
import { expect, onTestFinished, test } from 'vitest'
import { createAccess } from '../../src/access/access.ts'
import { LOCAL_CALLER } from '../../src/access/caller.ts'
import { type Chat, createChat } from '../../src/chat/chat.ts'
import { createLoaders } from '../../src/memory/loader.ts'
import { createPageRoom } from '../../src/schema/page-room.ts'
import { createSchema } from '../../src/schema/schema.ts'
import { createTurns } from '../../src/transport/bounds/turns.ts'
import { createErrorMask } from '../../src/transport/error-mask.ts'
import { createGraphqlHandler } from '../../src/transport/graphql-handler.ts'
import { createPlainRequests } from '../../src/transport/plain-requests.ts'
import { COMPLEX_QUERIES } from '../support/complex-queries.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { ACCEPTS, BODIES, JSON_TYPE, OPERATIONS, OTHERS, UNREACHABLE } from '../support/edge-requests.ts'
import { exchange, type Received } from '../support/http-exchange.ts'
import { createKeptLog } from '../support/kept-log.ts'
import { INPUT_LIMITS } from '../support/test-memory.ts'
import { QUERY_BOUNDS, startTestServer, type TestServer } from '../support/test-server.ts'

const ACCESS = createAccess({ log: createKeptLog(), now: Date.now })
/** What our plugins refuse, and stock Yoga does not, or not in these words. */
const REFUSED_BY_US: ReadonlySet<string> = new Set([
  ...COMPLEX_QUERIES.map(([name]) => name),
  'variable missing',
  'variable wrong',
  'variable large and wrong',
  'variable of a mutation large and wrong',
])

test.each(Object.entries(OPERATIONS))(
  '%s is answered as Yoga answers it, whatever is accepted',
  async (name, params) => {
    const { origin, stock: bare, configured, id } = await startBoth()
    const stock = REFUSED_BY_US.has(name) ? configured : bare
    const body = JSON.stringify(params).replaceAll('@id', id)
    for (const accept of ACCEPTS) {
      const sent = { headers: { ...JSON_TYPE, ...(accept !== undefined && { accept }) }, body }
      const [ours, yogas] = [await exchange(origin, sent), await exchange(stock, sent)]
      // What is not accepted stock Yoga answers with nothing, after it has executed it.
      const isRefused = yogas.status === 406 || (name === 'subscription' && ours.status === 406)
      if (isRefused) expect([accept, ours.body]).toEqual([accept, expect.stringContaining('errors')])
      else expect({ accept, ...shown(ours) }).toEqual({ accept, ...shown(yogas) })
    }
  },
)

test.each(Object.entries(BODIES))('%s is answered as stock Yoga answers it', async (_, sent) => {
  const { origin, stock } = await startBoth()
  const [ours, yogas] = [await exchange(origin, sent), await exchange(stock, sent)]
  if (yogas.body === '') expect([ours.status, ours.body]).toEqual([yogas.status, expect.stringContaining('errors')])
  else expect(shown(ours)).toEqual(shown(yogas))
})

test.each(Object.entries(OTHERS))('%s is answered as our Yoga answers it', async (_, sent) => {
  const { origin, configured } = await startBoth()
  expect(shown(await exchange(origin, sent))).toEqual(shown(await exchange(configured, sent)))
})

test('an unexpected error is logged once', async () => {
  const { origin, log } = await startBoth()
  const { status, body } = await exchange(origin, { headers: JSON_TYPE, body: JSON.stringify(OPERATIONS['our fault']) })
  expect(status).toBe(200)
  const { errors } = JSON.parse(body)
  expect(log.entries).toMatchObject([{ level: 'error', fields: { errorId: errors[0].extensions.errorId } }])
})

test.each([
  ['context', undefined, true],
  ['not found', '*/*', true],
  ['our fault', 'application/graphql-response+json, application/json', true],
  ['mutation', 'application/json, text/event-stream', true],
  ['syntax error', 'application/json', false],
  ['subscription', 'application/json', false],
  ['context', 'text/event-stream', false],
])('whether %s that accepts %s is answered without Yoga: %s', async (name, accept, isPlain) => {
  const { handler, id } = await startBoth()
  const plain = createPlainRequests(handler)
  const answered = Promise.withResolvers<boolean>()
  const origin = await listen(async (incoming, response) => {
    const body = await buffer(incoming)
    const isAnswered = await plain.answer({ request: incoming, caller: LOCAL_CALLER }, { body }, response)
    answered.resolve(isAnswered)
    if (!isAnswered) response.end()
  })
  const body = JSON.stringify(OPERATIONS[name]).replaceAll('@id', id)
  await exchange(origin, { headers: { ...JSON_TYPE, ...(accept !== undefined && { accept }) }, body })
  expect(await answered.promise).toBe(isPlain)
})

test('a connection is kept from one request to the next', async () => {
  const { origin } = await startTestServer()
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('utf8')
  onTestFinished(() => void socket.destroy())
  for (const name of ['a', 'b']) {
    const body = `{"query":"{ ${name}: __typename }"}`
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    const [answer] = await once(socket, 'data')
    expect(answer).toContain(`{"data":{"${name}":"Query"}}`)
  }
})

test('a client that leaves before its answer is no fault of the server', async () => {
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const { origin, client, log } = await startTestServer((memory) => ({
    listConversations: async (range) => {
      started.resolve()
      await finish.promise
      return memory.listConversations(range)
    },
  }))
  const leaving = request(client.url, { method: 'POST', headers: JSON_TYPE }).on('error', () => {})
  leaving.end('{"query":"{ conversations { edges { cursor } } }"}')
  await started.promise
  const left = new Promise<void>((resolve) => leaving.on('close', () => resolve()))
  leaving.destroy()
  await left
  finish.resolve()
  expect((await exchange(origin, { headers: JSON_TYPE, body: '{"query":"{ __typename }"}' })).status).toBe(200)
  expect(log.entries).toEqual([])
})

test('a query whose client has left reads nothing more', async () => {
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  let contexts = 0
  const { client } = await startTestServer((memory) => ({
    listConversations: async (range) => {
      started.resolve()
      await finish.promise
      return memory.listConversations(range)
    },
    readContexts: (requests) => {
      contexts += requests.length
      return memory.readContexts(requests)
    },
  }))
  await startConversation(client)
  const leaving = request(client.url, { method: 'POST', headers: JSON_TYPE }).on('error', () => {})
  leaving.end('{"query":"{ conversations { nodes { recentContext { tokenCount } } } }"}')
  await started.promise
  leaving.destroy()
  // Requests that are sent later are answered after the server has seen the connection close.
  for (const _ of [1, 2, 3]) await client.post({ query: '{ __typename }' })
  finish.resolve()
  await client.post({ query: '{ __typename }' })
  expect(contexts).toBe(0)
})

test('a client that reads slowly gets a large answer whole', async () => {
  const { origin, client } = await startTestServer()
  const id = await startConversation(client)
  await appendTexts(client, id, 'grün '.repeat(50_000))
  const aliases = Array.from(
    { length: 10 },
    (_, index) => `a${index}: recentContext(conversationId: "${id}", maxTokens: 200000) { chatMessages }`,
  )
  const reading = request(`${origin}/graphql`, { method: 'POST', headers: JSON_TYPE })
  reading.end(JSON.stringify({ query: `{ ${aliases.join('\n')} }` }))
  const [response] = await once(reading, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    await new Promise(setImmediate)
  }
  const { data } = JSON.parse(text) as { data: Record<string, { chatMessages: { content: string }[] }> }
  expect(Object.values(data).map(({ chatMessages }) => chatMessages[0]?.content.length)).toEqual(
    Array(10).fill(250_000),
  )
})

/** The server, and Yoga alone on the same memory. One read of it fails. */
async function startBoth(): Promise<
  TestServer & { stock: string; configured: string; id: string; handler: ReturnType<typeof createGraphqlHandler> }
> {
  const server = await startTestServer((memory) => ({
    findConversations: async (ownerId, ids) => {
      if (ids.includes(UNREACHABLE)) throw new Error('mongodb://user:secret@host')
      return memory.findConversations(ownerId, ids)
    },
  }))
  const { memory, replies, client } = server
  const id = await startConversation(client, { title: 'Edge' })
  await appendTexts(client, id, 'one', 'zwei ☕', 'three')
  const chat = createChat({ replies, memory, now: Date.now }, INPUT_LIMITS)
  const handler = createGraphqlHandler(
    { memory, chat, log: createKeptLog(), turns: createTurns(), makeRoom() {}, access: ACCESS },
    QUERY_BOUNDS,
  )
  const configured = await listen((incoming, response) => handler.yoga(incoming, response, { caller: LOCAL_CALLER }))
  return { ...server, configured, stock: await listen(createStockYoga(memory, chat)), id, handler }
}

/** Yoga with the schema, the context and the mask, and nothing else of ours; nor what it adds by itself to every answer. */
function createStockYoga(memory: TestServer['memory'], chat: Chat) {
  return createYoga({
    schema: createSchema(),
    context: () => ({
      ownerId: 'local',
      memory,
      chat,
      loaders: createLoaders(memory, 'local'),
      pages: createPageRoom(1_000_000),
      controller: new AbortController(),
    }),
    maskedErrors: { maskError: createErrorMask(createKeptLog()) },
    logging: false,
    cors: false,
  })
}

async function listen(handle: (incoming: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const http = createServer((incoming, response) => void handle(incoming, response)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Without what differs from one answer to the next. */
function shown({
  status,
  headers: { date, 'keep-alive': _, 'x-accel-buffering': __, 'cache-control': ___, ...headers },
  body,
}: Received): object {
  return { status, headers, body: body.replace(/"errorId":"[^"]+"/g, '"errorId":""') }
}
