import { expect, test } from 'vitest'
import { openSocket } from '../../support/raw-socket.ts'
import { startTestServer } from '../../support/test-server.ts'

const CLOSED = { server: { introspection: false } }
const INPUT = 'mutation ($input: CreateConversationInput!) { createConversation(input: $input) { __typename } }'
const STREAM = 'subscription ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }'

/** Operations that ask for the schema, or that nearly have its names. */
const PROBES: Record<string, object> = {
  schema: { query: '{ __schema { types { name } } }' },
  type: { query: '{ __type(name: "Message") { name } }' },
  'schema in a fragment': { query: '{ ...F } fragment F on Query { a: __schema { queryType { name } } }' },
  'schema of a mutation': { query: 'mutation { __schema { queryType { name } } }' },
  field: { query: '{ conversatio(id: "x") { id } }' },
  argument: { query: '{ conversation(i: "x") { id } }' },
  type2: { query: '{ node(id: "x") { ... on Mesage { id } } }' },
  'enum value': { query: '{ recentContext(conversationId: "x", startOn: USR) { cut } }' },
  'input field': { query: 'mutation { createConversation(input: { titl: "x" }) { __typename } }' },
  'variable of a mutation': { query: INPUT, variables: { input: { titl: 'x' } } },
  'large variable': { query: INPUT, variables: { input: { titl: 'x'.repeat(5_000) } } },
  'enum in a variable': {
    query: 'query ($on: ContextStart!) { recentContext(conversationId: "x", startOn: $on) { cut } }',
    variables: { on: 'USR' },
  },
  'variable of a subscription': { query: STREAM, variables: { input: { conten: 'x' } } },
}

test.each(Object.entries(PROBES))('nothing is told of the schema by %s, on any way', async (_, params) => {
  const { client, origin } = await startTestServer(undefined, CLOSED)
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload: params })
  const answers = [JSON.stringify((await socket.next()).payload)]
  for (const accept of ['application/json', 'text/event-stream, application/json', '*/*']) {
    const headers = { 'content-type': 'application/json', accept }
    answers.push(await (await fetch(client.url, { method: 'POST', headers, body: JSON.stringify(params) })).text())
  }
  for (const answer of answers)
    expect([answer, /Did you mean|Query"|"data":\{"/.test(answer)]).toEqual([expect.stringContaining('message'), false])
})

test('operations are answered as ever', async () => {
  const { client } = await startTestServer(undefined, CLOSED)
  expect(await client.post({ query: '{ __typename conversations { nodes { __typename id } } }' })).toMatchObject({
    status: 200,
    data: { __typename: 'Query', conversations: { nodes: [] } },
  })
})
