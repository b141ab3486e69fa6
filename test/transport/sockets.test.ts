import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import WebSocket from 'ws'
import { COMPLEX_QUERIES } from '../support/complex-queries.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/test-server.ts'

test('a mistake in one operation is its answer and leaves the others running', async () => {
  const { client, origin } = await startTestServer()
  const id = await startConversation(client)
  const socket = await openSocket(origin)
  socket.send({
    type: 'subscribe',
    id: 'good',
    payload: { query: `subscription { conversationEvents(conversationId: "${id}") { __typename } }` },
  })
  // Its first event says that it is there; anywhere later it would come between the others.
  expect(await socket.next()).toMatchObject({ type: 'next', id: 'good' })
  for (const [name, query, message] of [
    ['syntax', '{ oops'],
    ['unknown', '{ nothing }'],
    ['empty', ''],
    ...COMPLEX_QUERIES,
  ]) {
    socket.send({ type: 'subscribe', id: name as string, payload: { query } })
    expect(await socket.next()).toMatchObject({ type: 'error', id: name, payload: [message ? { message } : {}] })
  }
  socket.send({ type: 'subscribe', id: 'query', payload: { query: '{ __typename }' } })
  expect(await socket.next()).toEqual({ type: 'next', id: 'query', payload: { data: { __typename: 'Query' } } })
  expect(await socket.next()).toEqual({ type: 'complete', id: 'query' })
  await appendTexts(client, id, 'still here')
  expect(await socket.next()).toMatchObject({ type: 'next', id: 'good' })
})

test('a syntax error that a socket has met is answered by HTTP as ever', async () => {
  const { client, origin } = await startTestServer()
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload: { query: '{ oops' } })
  await socket.next()
  const { status, errors } = await client.post({ query: '{ oops' })
  expect(status).toBe(400)
  expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }])
})

test('queries and mutations are answered on a socket too', async () => {
  const { origin } = await startTestServer()
  const socket = await openSocket(origin)
  const query = 'mutation { createConversation(input: {}) { ... on CreateConversationSuccess { created } } }'
  socket.send({ type: 'subscribe', id: '1', payload: { query } })
  expect(await socket.next()).toMatchObject({ payload: { data: { createConversation: { created: true } } } })
})

test.each([
  ['another path', '/other', {}, 404],
  ['another page', '/graphql', { origin: 'https://example.com' }, 403],
])('a socket of %s is refused', async (_, path, headers, status) => {
  const { origin } = await startTestServer()
  const socket = new WebSocket(origin.replace('http', 'ws') + path, 'graphql-transport-ws', { headers })
  const [error] = (await once(socket, 'error')) as [Error]
  expect(error.message).toContain(String(status))
})

test('a socket of our own page is let in', async () => {
  const { origin } = await startTestServer()
  const socket = await openSocket(origin, { origin })
  socket.send({ type: 'ping' })
  expect(await socket.next()).toEqual({ type: 'pong' })
})

test('a socket that breaks the protocol is closed, with one entry in the log and nothing on the console', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const { origin, log } = await startTestServer()
  const { raw, send } = await openSocket(origin)
  const closed = once(raw, 'close')
  for (let index = 0; index < 50; index += 1) send({ type: 'next', id: '1', payload: {} })
  expect((await closed)[0]).toBe(4400)
  expect(print).not.toHaveBeenCalled()
  expect(log.entries).toMatchObject([{ level: 'debug', message: 'socket failed' }])
})

test('a frame that is too large closes its socket', async () => {
  const { origin } = await startTestServer()
  const { raw, send } = await openSocket(origin)
  const closed = once(raw, 'close')
  send({ type: 'ping', payload: { x: 'x'.repeat(2_000_000) } })
  expect((await closed)[0]).toBe(1009)
})

test('a frame that is long to parse closes its socket', async () => {
  const { origin } = await startTestServer()
  const { raw } = await openSocket(origin)
  const closed = once(raw, 'close')
  raw.send(`{"type":"ping","payload":{"x":[${'[],'.repeat(60_000)}0]}}`)
  const [code, reason] = await closed
  expect([code, String(reason)]).toEqual([1009, 'Too many values'])
})

test('a socket follows a conversation by a bounded number of subscriptions, and by others when some end', async () => {
  const { client, origin } = await startTestServer()
  const id = await startConversation(client)
  const socket = await openSocket(origin)
  const query = `subscription { conversationEvents(conversationId: "${id}") { __typename } }`
  const follow = async (name: string) => {
    socket.send({ type: 'subscribe', id: name, payload: { query } })
    return socket.next()
  }
  for (let count = 0; count < 100; count += 1) expect(await follow(`${count}`)).toMatchObject({ type: 'next' })
  const errors = [{ message: expect.stringContaining('at most 100'), extensions: { code: 'RATE_LIMITED' } }]
  expect(await follow('one more')).toMatchObject({ type: 'next', payload: { errors } })
  expect(await socket.next()).toEqual({ type: 'complete', id: 'one more' })
  socket.send({ type: 'complete', id: '5' })
  expect(await follow('another')).toMatchObject({ type: 'next', id: 'another' })
})
