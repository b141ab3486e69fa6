import { expect, test } from 'vitest'
import { openSocket } from '../../support/raw-socket.ts'
import { startTestServer } from '../../support/test-server.ts'

const keys = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`key${index}`, 1]))

/** Operations with variables that do not fit, and what is said of them. */
const CASES: [name: string, query: string, variables: Record<string, unknown>, message: RegExp][] = [
  [
    'a query',
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: ['x', ...Array(3_000).fill(true)] },
    /^Variable "\$ids" got an invalid value at "ids\[1\]"; .*true/,
  ],
  [
    'a mutation',
    'mutation ($input: AppendMessagesInput!) { appendMessages(input: $input) { __typename } }',
    { input: { conversationId: 'x', messages: [{ role: 'NOBODY', content: 'x'.repeat(3_000) }] } },
    /^Variable "\$input" got an invalid value at "input.messages\[0\].role"; .*"NOBODY"/,
  ],
  [
    'a subscription',
    'subscription ($input: SendMessageInput!) { sendMessage(input: $input) { cursor } }',
    { input: keys },
    /^Variable "\$input" got an invalid value at "input"; .{300}…$/,
  ],
]

test.each(CASES)(
  'large variables of %s that do not fit are refused by one short error',
  async (_, query, variables, message) => {
    const { client, origin, log } = await startTestServer()
    const error = { message: expect.stringMatching(message), extensions: { code: 'BAD_USER_INPUT' } }
    for (const accept of ['*/*', 'text/event-stream']) {
      const headers = { 'content-type': 'application/json', accept }
      const response = await fetch(client.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
      const json = (await response.text()).match(/\{.*\}/)?.[0] ?? ''
      expect([accept, response.status, JSON.parse(json)]).toEqual([accept, 400, { errors: [error] }])
    }
    const socket = await openSocket(origin)
    socket.send({ type: 'subscribe', id: '1', payload: { query, variables } })
    expect(await socket.next()).toMatchObject({ id: '1', payload: { errors: [error] } })
    socket.send({ type: 'ping' })
    await expect.poll(async () => (await socket.next()).type).toBe('pong')
    expect(log.entries).toEqual([])
  },
)

test('a variable that is missing is told with a code', async () => {
  const { client, origin } = await startTestServer()
  const error = {
    message: 'Variable "$id" of required type "ID!" was not provided.',
    extensions: { code: 'BAD_USER_INPUT' },
  }
  const query = 'query ($id: ID!, $n: Int) { conversation(id: $id) { messages(last: $n) { nodes { id } } } }'
  for (const variables of [undefined, {}, { n: 'x'.repeat(3_000) }]) {
    const { status, errors } = await client.post({ query, ...(variables && { variables }) })
    expect([status, errors]).toMatchObject([400, [error]])
  }
  const socket = await openSocket(origin)
  const subscription = 'subscription ($id: ID!) { reply(id: $id) { cursor } }'
  socket.send({ type: 'subscribe', id: '1', payload: { query: subscription } })
  expect(await socket.next()).toMatchObject({ id: '1', payload: { errors: [error] } })
})

test('small variables that do not fit are refused with all that is wrong', async () => {
  const { client } = await startTestServer()
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
  const { status, errors } = await client.post({ query, variables: { ids: [true, 'x', false] } })
  expect(status).toBe(400)
  expect(errors).toEqual(Array(2).fill(expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })))
})
