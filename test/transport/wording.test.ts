import { describe, expect, test } from 'vitest'
import { exchange } from '../support/http-exchange.ts'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/test-server.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const SECRET = 'my-secret-words'
const BROKEN_JSON = ['{', `{"content":${SECRET}}`, `"${SECRET}`, '{"a":1}}', '%', "{'a':1}", '[1,]', '\u0007']

describe.each(['variables', 'extensions'])('%s by GET', (name) => {
  test.each(BROKEN_JSON)('that are no JSON are refused by their name, without a word in the log: %s', async (value) => {
    const { origin, log } = await startTestServer()
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream', 'image/png']) {
      const path = `/graphql?query=%7B__typename%7D&${name}=${encodeURIComponent(value)}`
      const { status, body } = await exchange(origin, { method: 'GET', path, headers: { accept } })
      expect([status, body]).toEqual([400, expect.stringContaining(`"message":"${name} must be JSON."`)])
    }
    expect(log.entries).toEqual([])
  })

  test.each(['[1]', '1', '"a"', 'true'])('that are no object are refused: %s', async (value) => {
    const { origin, log } = await startTestServer()
    const path = `/graphql?query=%7B__typename%7D&${name}=${encodeURIComponent(value)}`
    const { status, body } = await exchange(origin, { method: 'GET', path })
    expect([status, body]).toEqual([400, expect.stringContaining(`"${name}`.slice(1))])
    expect(log.entries).toEqual([])
  })
})

test.each([...BROKEN_JSON, '', '{"query":', '\uFEFF{"query":"{ __typename }"}'])(
  'a body that is no JSON is refused without being quoted: %s',
  async (body) => {
    const { origin, log } = await startTestServer()
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
      const answer = await exchange(origin, { headers: { ...JSON_TYPE, accept }, body })
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('"message":"The body must be JSON."')])
      expect(answer.body).not.toContain('Unexpected')
      expect(answer.body).not.toContain('secret')
    }
    expect(log.entries).toEqual([])
  },
)

test.each([
  [',', 15_000],
  ['a/b,', 3_700],
  ['*/*;q=0,', 1_800],
  ['application/json;charset=x,', 550],
])('an Accept that is long gets a short answer: %s', async (piece, count) => {
  const { origin } = await startTestServer()
  for (const query of ['{__typename}', '{', '{nothing}', 'subscription{reply(id:"rep_x"){__typename}}']) {
    const headers = { ...JSON_TYPE, accept: piece.repeat(count) }
    const { headers: received, body } = await exchange(origin, { headers, body: JSON.stringify({ query }) })
    expect(JSON.stringify(received).length + body.length).toBeLessThan(1_000)
    expect(received).not.toHaveProperty('accept')
  }
})

test.each([
  ['a syntax error', { query: '{ oops' }],
  ['a validation error', { query: 'subscription { reply(id: "x") { nothing } }' }],
  ['a query of too many characters', { query: `{ a${'a'.repeat(20_000)} }` }],
  ['a variable that is missing', { query: 'subscription ($id: ID!) { reply(id: $id) { __typename } }' }],
  ['an event that is not there', { query: 'subscription { conversationEvents(conversationId: "conv_x") { cursor } }' }],
  ['two fields', { query: 'subscription { a: reply(id: "x") { cursor } b: reply(id: "x") { cursor } }' }],
  ['a query that fails', { query: '{ recentContext(conversationId: "conv_x") { cut } }' }],
  ['an input that is wrong', { query: '{ conversations(first: -1) { nodes { id } } }' }],
])('%s is told alike over WebSocket and by server-sent events', async (_, payload) => {
  const { origin } = await startTestServer()
  const headers = { ...JSON_TYPE, accept: 'text/event-stream' }
  const { body } = await exchange(origin, { headers, body: JSON.stringify(payload) })
  const [, data = '{}'] = /^event: next\ndata: (.*)$/m.exec(body) ?? []
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload })
  const frame = await socket.next()
  const errors = frame.type === 'error' ? frame.payload : (frame.payload as { errors: unknown }).errors
  expect(errors).toEqual(JSON.parse(data).errors)
  expect(JSON.stringify(errors)).not.toMatch(/"(?:http|unexpected|stack|originalError)"/)
})

test('a fault of ours is told with its id over every way, and logged under it', async () => {
  const { origin, log } = await startTestServer(() => ({
    findConversations: () => Promise.reject(new Error(SECRET)),
  }))
  const payload = { query: '{ conversation(id: "conv_01h455vb4pex5vsknk084sn02q") { title } }' }
  const socket = await openSocket(origin)
  socket.send({ type: 'subscribe', id: '1', payload })
  const frame = JSON.stringify(await socket.next())
  const { body } = await exchange(origin, { headers: JSON_TYPE, body: JSON.stringify(payload) })
  const ids = [frame, body].map((text) => /"errorId":"([^"]+)"/.exec(text)?.[1])
  expect(log.entries.map(({ fields }) => (fields as { errorId: string }).errorId)).toEqual(ids)
  for (const text of [frame, body]) expect(text).not.toMatch(/secret|unexpected"|http"/)
})
