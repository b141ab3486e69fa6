import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createClient } from 'graphql-sse'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAccess } from '../../src/access/access.ts'
import { LOCAL_CALLER } from '../../src/access/caller.ts'
import { createChat } from '../../src/chat/chat.ts'
import { createTurns } from '../../src/transport/bounds/turns.ts'
import { createEventStreams } from '../../src/transport/event-streams.ts'
import { createGraphqlHandler } from '../../src/transport/graphql-handler.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { exchange, type Received } from '../support/http-exchange.ts'
import { createKeptLog } from '../support/kept-log.ts'
import { questionInput } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { subscribe } from '../support/sse-subscriber.ts'
import { INPUT_LIMITS } from '../support/test-memory.ts'
import { QUERY_BOUNDS, startTestServer } from '../support/test-server.ts'

const ACCESS = createAccess({ log: createKeptLog(), now: Date.now })
const JSON_TYPE = { 'content-type': 'application/json' }
const SEND = `subscription ($input: SendMessageInput!, $max: Int = 100) {
  sent: sendMessage(input: $input) {
    __typename cursor ...Delta
    ... on ReplyStarted { question { content versions } context { conversation { recentContext(maxTokens: $max) { cut } } } }
    ... on ReplyPart { part { __typename ... on ToolCallPart { toolName } } }
    ... on ReplyCompleted { message { content createdAt usage { completionTokens } } }
  }
}
fragment Delta on ReplyDelta { at: offset text partIndex }`

/** Subscriptions in a body; @id stands for a conversation's id, @reply for that of a reply that has ended. */
const OPERATIONS: Record<string, object> = {
  'a reply': { query: 'subscription { reply(id: "@reply") { __typename replyId cursor ... on ReplyDelta { text } } }' },
  'a reply with all of it': {
    query: `subscription A($id: ID) { reply(conversationId: $id) {
      ... on ReplyStarted { question { id content versions } context { messages { content createdAt } cut } model }
      ... on ReplyDelta { a: text b: text offset }
      ... on ReplyCompleted { message { content tokenCount parts { __typename } } }
    } }
    query B { __typename }`,
    variables: { id: '@id' },
    operationName: 'A',
  },
  directives: {
    query: `subscription ($no: Boolean!) { reply(id: "@reply") { cursor @skip(if: $no) ... @include(if: $no) { replyId } } }`,
    variables: { no: true },
  },
  'an error in each event': {
    query: `subscription { reply(id: "@reply") { cursor ... on ReplyStarted { context { conversation { recentContext(maxTokens: 0) { cut } } } } } }`,
  },
  'a rejection': { query: 'subscription { reply(id: "rep_nothing") { __typename replyId cursor } }' },
  'an error of the request': {
    query: 'subscription { conversationEvents(conversationId: "conv_nothing") { cursor } }',
  },
  'a variable that is missing': { query: 'subscription ($id: ID!) { reply(id: $id) { cursor } }' },
  'a syntax error': { query: 'subscription { oops' },
  'a validation error': { query: 'subscription { reply(id: "@reply") { nothing } }' },
  'two fields': { query: 'subscription { a: reply(id: "@reply") { cursor } b: reply(id: "@reply") { cursor } }' },
  'a query': { query: '{ __typename }' },
  'a mutation': { query: 'mutation { deleteConversation(id: "conv_nothing") { __typename } }' },
}

const ACCEPTS = [
  'text/event-stream',
  'text/event-stream, application/json',
  'application/json, text/event-stream',
  'text/event-stream, multipart/mixed',
  'application/graphql-response+json, text/event-stream, */*',
  'TEXT/EVENT-STREAM',
  'text/event-stream;charset=utf-8',
]

describe.each(Object.entries(OPERATIONS))('%s', (_, params) => {
  test('is streamed with the headers and events of Yoga, whatever else is accepted', async () => {
    const { origin, stock, id, replyId } = await startBoth()
    const body = JSON.stringify(params).replaceAll('@id', id).replaceAll('@reply', replyId)
    for (const accept of ACCEPTS) {
      const sent = { headers: { ...JSON_TYPE, accept }, body }
      const [ours, yogas] = [await exchange(origin, sent), await exchange(stock, sent)]
      expect({ accept, ...shown(ours) }).toEqual({ accept, ...shown(yogas) })
    }
  })
})

test.each([
  ['a reply', 'text/event-stream', true],
  ['directives', 'application/json, text/event-stream', true],
  ['an error of the request', 'text/event-stream', true],
  ['a reply', 'application/graphql+json, text/event-stream;q=0.5, multipart/mixed', true],
  ['a reply', 'image/png', false],
  ['a syntax error', 'text/event-stream', false],
  ['a query', 'text/event-stream', false],
])('whether %s for %s is streamed without Yoga: %s', async (name, accept, isOurs) => {
  const { handler, replyId } = await startBoth()
  const answered = Promise.withResolvers<boolean>()
  const origin = await serveStreams(handler, 12_000, answered.resolve)
  const body = JSON.stringify(OPERATIONS[name]).replaceAll('@reply', replyId)
  await exchange(origin, { headers: { ...JSON_TYPE, accept }, body })
  expect(await answered.promise).toBe(isOurs)
})

test.each(['application/graphql+json', 'application/json; charset="utf-8"'])(
  'what was asked for by %s is streamed without Yoga too',
  async (type) => {
    const { handler, replyId } = await startBoth()
    const answered = Promise.withResolvers<boolean>()
    const origin = await serveStreams(handler, 12_000, answered.resolve)
    const body = JSON.stringify(OPERATIONS['a reply']).replaceAll('@reply', replyId)
    const { body: events } = await exchange(origin, {
      headers: { 'content-type': type, accept: 'text/event-stream' },
      body,
    })
    expect([await answered.promise, events]).toEqual([true, expect.stringContaining('ReplyCompleted')])
  },
)

test('a reply that is being written is streamed with each delta as the model writes it', async () => {
  const model = createScriptedModel()
  const { origin, client } = await startTestServer(undefined, { model })
  const id = await startConversation(client)
  const subscriber = subscribe(origin, SEND, { input: questionInput(id, 'hello') })
  const call = await model.nextCall()
  for (const word of ['One', ' zwei ☕', ' 👩‍🚀']) {
    call.text(word)
    await expect.poll(() => subscriber.last).toMatchObject({ __typename: 'ReplyDelta', text: word, partIndex: 0 })
  }
  call.toolCall({ type: 'toolCall', toolCallId: 'a', toolName: 'look', arguments: '{}' })
  await expect.poll(() => subscriber.last).toMatchObject({ part: { toolName: 'look' } })
  call.finish()
  call.end()
  await subscriber.ended
  expect(subscriber.last).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'One zwei ☕ 👩‍🚀' } })
})

test('a stream shows that it lives, and ends at once for the server when its client leaves', async () => {
  const { handler, id } = await startBoth()
  const origin = await serveStreams(handler, 20)
  const outgoing = request(`${origin}/graphql`, {
    method: 'POST',
    headers: { ...JSON_TYPE, accept: 'text/event-stream' },
  })
  outgoing.end(JSON.stringify({ query: `subscription { conversationEvents(conversationId: "${id}") { cursor } }` }))
  const [response] = await once(outgoing, 'response')
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await expect.poll(() => text).toMatch(/(:\n\n){3}/)
  expect(handler.streams.size).toBe(1)
  response.on('error', () => {}).destroy()
  await expect.poll(() => handler.streams.size).toBe(0)
})

test('a client without room for more gets what it missed in one delta', async () => {
  const { handler, id, model } = await startBoth()
  let full: ServerResponse | undefined
  let hasRoom = false
  let written = ''
  const streams = createEventStreams(handler, createTurns(), { pingMs: 12_000 })
  const origin = await serve(async (incoming, response) => {
    const write = response.write.bind(response)
    const keep = (chunk: string) => {
      written += chunk
      return write(chunk) && hasRoom
    }
    full = Object.assign(response, { write: keep })
    await streams.answer({ request: incoming, caller: LOCAL_CALLER }, { body: await buffer(incoming) }, response)
  })
  const subscriber = subscribe(origin, SEND, { input: questionInput(id, 'hello again') })
  const call = await model.nextCall()
  await expect.poll(() => subscriber.last).toMatchObject({ __typename: 'ReplyStarted' })
  for (const letter of 'abcdef') call.text(letter)
  call.finish()
  call.end()
  const stored =
    'subscription ($id: ID) { reply(conversationId: $id) { ... on ReplyCompleted { message { content } } } }'
  await subscribe(await serveStreams(handler, 12_000), stored, { id }).ended
  expect(subscriber.last).toMatchObject({ __typename: 'ReplyStarted' })
  hasRoom = true
  full?.emit('drain')
  await subscriber.ended
  expect(written.match(/"text":"[^"]*"/g)).toEqual(['"text":"abcdef"'])
})

test('when the server closes, the connection of a stream breaks, so that its client comes back', async () => {
  const { origin, client, server } = await startTestServer()
  const id = await startConversation(client)
  const subscriber = createClient({ url: `${origin}/graphql`, retryAttempts: 0 })
  const events = subscriber.iterate({
    query: `subscription { conversationEvents(conversationId: "${id}") { cursor } }`,
  })
  await events.next()
  const next = events.next().catch((error: unknown) => error)
  await server.close(2_000)
  expect(await next).toBeInstanceOf(Error)
})

test.each([
  ['by itself', 'text/event-stream', {}],
  ['by Yoga for a type with a charset', 'text/event-stream;charset=utf-8', {}],
  ['by Yoga for any text', 'text/*', {}],
  ['by Yoga for a list of types', 'multipart/mixed, text/event-stream', {}],
  ['by Yoga for a body with more in it', 'text/event-stream', { more: null }],
])('a stream that the server answers %s is cut and not completed when it closes', async (_, accept, more) => {
  const { origin, client, server } = await startTestServer()
  const id = await startConversation(client)
  const query = `subscription { conversationEvents(conversationId: "${id}") { __typename } }`
  const outgoing = request(`${origin}/graphql`, { method: 'POST', headers: { ...JSON_TYPE, accept } })
  outgoing.end(JSON.stringify({ query, ...more }))
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = new Promise((resolve) => response.on('error', () => {}).once('close', resolve))
  await expect.poll(() => text).toContain('ConversationHeartbeat')
  await server.close(2_000)
  await closed
  expect([response.complete, text]).toEqual([false, expect.not.stringContaining('event: complete')])
})

/** The server, and Yoga alone on the same memory, with a reply that has ended. */
async function startBoth() {
  const model = createScriptedModel()
  const server = await startTestServer(undefined, { model })
  const { memory, replies, client, origin } = server
  const id = await startConversation(client, { title: 'Streams' })
  await appendTexts(client, id, 'one', 'zwei ☕')
  const subscriber = subscribe(
    origin,
    'subscription ($input: SendMessageInput!) { sendMessage(input: $input) { replyId } }',
    {
      input: questionInput(id, 'hello'),
    },
  )
  const call = await model.nextCall()
  call.answer('grün 👩‍🚀')
  await subscriber.ended
  const chat = createChat({ replies, memory, now: Date.now }, INPUT_LIMITS)
  const handler = createGraphqlHandler(
    { memory, chat, log: createKeptLog(), turns: createTurns(), makeRoom() {}, access: ACCESS },
    QUERY_BOUNDS,
  )
  return {
    ...server,
    model,
    id,
    replyId: subscriber.last?.replyId ?? '',
    handler,
    stock: await serve((incoming, response) => handler.yoga(incoming, response, { caller: LOCAL_CALLER })),
  }
}

/** Streams alone; what they leave to Yoga is answered with nothing. */
function serveStreams(
  handler: ReturnType<typeof createGraphqlHandler>,
  pingMs: number,
  onAnswer: (isOurs: boolean) => void = () => {},
): Promise<string> {
  const streams = createEventStreams(handler, createTurns(), { pingMs })
  return serve(async (incoming, response) => {
    const body = await buffer(incoming)
    const isOurs = await streams.answer({ request: incoming, caller: LOCAL_CALLER }, { body }, response)
    onAnswer(isOurs)
    if (!isOurs) response.end()
  })
}

async function serve(handle: (incoming: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const http = createServer((incoming, response) => void handle(incoming, response)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Without what differs from one answer to the next: under test Yoga pings at any time. */
function shown({ status, headers: { date, 'keep-alive': _, ...headers }, body }: Received): object {
  return { status, headers, body: body.replace(/"errorId":"[^"]+"/g, '"errorId":""').replaceAll(':\n\n', '') }
}
