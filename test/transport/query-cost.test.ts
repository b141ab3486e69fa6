import { getIntrospectionQuery } from 'graphql'
import { expect, test } from 'vitest'
import { COSTLY_QUERIES } from '../support/complex-queries.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { exchange } from '../support/http-exchange.ts'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/test-server.ts'

const MESSAGE_FIELDS =
  'id role content createdAt metadata status finishReason model author replyTo sequence tokenCount clientMessageId'

/** What good clients ask for at most: none of it may be refused. */
const HONEST_QUERIES: readonly string[] = [
  getIntrospectionQuery({
    inputValueDeprecation: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    oneOf: true,
  }),
  `{ conversations(first: 100) { nodes { id title messages(last: 20) { nodes { ${MESSAGE_FIELDS} parts { __typename } versions } } } } }`,
  `{ conversations(first: 100) { edges { cursor node { __typename id title model metadata createdAt lastMessageAt archivedAt
    messageCount tokenCount cursor activeReply { id status } lastReply { id status text } } } pageInfo { hasNextPage endCursor } } }`,
  `{ recentContext(conversationId: "c", maxTokens: 200000) { messages { ${MESSAGE_FIELDS} } tokenCount omittedCount } }`,
  `{ conversation(id: "c") { messages(last: 100) { edges { cursor node { ${MESSAGE_FIELDS} versions
    parts { ... on TextPart { text } ... on ToolCallPart { toolName arguments } } reply { id status } } } } } }`,
]

test.each(COSTLY_QUERIES)('%s is refused on every way in, before it is executed', async (_, query, path, variables) => {
  const { client, origin, log, history } = await startTestServer()
  const before = history.calls.length
  const refused = { message: expect.stringMatching(refusalFor(path)), extensions: { code: 'QUERY_TOO_COMPLEX' } }
  for (const accept of [
    'application/json',
    'application/graphql-response+json',
    'application/json; q=1',
    'multipart/mixed',
  ]) {
    const headers = { 'content-type': 'application/json', accept }
    const response = await fetch(client.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    const json = (await response.text()).match(/\{.*\}/)?.[0] ?? ''
    expect([accept, response.status, JSON.parse(json)]).toEqual([accept, 400, { errors: [refused] }])
  }
  if (!query.startsWith('mutation')) {
    const search = new URLSearchParams({ query, variables: JSON.stringify(variables ?? {}) })
    const response = await fetch(`${client.url}?${search}`, { headers: { accept: 'application/json' } })
    expect([response.status, await response.json()]).toEqual([400, { errors: [refused] }])
  }
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload: { query, variables } })
  expect(await socket.next()).toMatchObject({ id: '1', payload: { errors: [refused] } })
  expect(history.calls.slice(before)).toEqual([])
  expect(log.entries).toEqual([])
})

test('a subscription is refused for what each of its events would cost', async () => {
  const { client, origin } = await startTestServer()
  const id = await startConversation(client)
  const pages = Array.from(
    { length: 20 },
    (_, at) => `a${at}: messages(last: 100) { edges { node { ${MESSAGE_FIELDS} } } }`,
  )
  const query = `subscription { conversationEvents(conversationId: "${id}") { ... on ConversationChanged { conversation {
    recentContext(maxTokens: 200000) { messages { ${MESSAGE_FIELDS} ${'versions '.repeat(2)} } } ${pages.join(' ')} } } } }`
  for (const accept of ['text/event-stream', 'text/event-stream; charset=utf-8']) {
    const headers = { 'content-type': 'application/json', accept }
    const { body } = await exchange(origin, { headers, body: JSON.stringify({ query }) })
    expect(body).toMatch(/QUERY_TOO_COMPLEX/)
    expect(body).toMatch(/most of it for conversationEvents\.conversation/)
  }
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload: { query } })
  expect(await socket.next()).toMatchObject({ payload: { errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] } })
})

test.each(HONEST_QUERIES)('%s is answered', async (query) => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  await appendTexts(client, id, 'hello')
  const { status, data, errors } = await client.post({ query: query.replace('"c"', `"${id}"`) })
  expect([status, errors]).toEqual([200, undefined])
  expect(data).toBeTruthy()
})

test('the same document is weighed anew when a size in its variables changes', async () => {
  const { client } = await startTestServer()
  const query = `query ($n: Int! = 100) { conversations(first: $n) { nodes { ${Array.from({ length: 12 }, (_, at) => `a${at}: messages(first: $n) { nodes { id } }`).join(' ')} } } }`
  const statuses = []
  for (const variables of [{ n: 1 }, { n: 100 }, { n: 1 }, {}, { n: 2 }]) {
    statuses.push((await client.post({ query, variables })).status)
  }
  expect(statuses).toEqual([200, 400, 200, 400, 200])
})

function refusalFor(path: string): RegExp {
  return new RegExp(
    `^A query must have at most a cost of 100000; got \\d+, most of it for ${path.replaceAll('.', '\\.')}`,
  )
}
