import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startTestServer } from '../support/test-server.ts'

const hello = { query: '{ __typename }' }

test('the server says that it lives and is ready', async () => {
  const { origin } = await startTestServer()
  expect((await fetch(`${origin}/health`)).status).toBe(200)
  const ready = await fetch(`${origin}/ready`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toEqual({ status: 'ready' })
  expect((await fetch(`${origin}/nothing`)).status).toBe(404)
})

test('an idle connection stays longer than balancers keep theirs', async () => {
  const { origin } = await startTestServer()
  const agent = new Agent({ keepAlive: true })
  const [response] = (await once(request(`${origin}/health`, { agent }).end(), 'response')) as [IncomingMessage]
  expect(response.headers['keep-alive']).toBe('timeout=90')
  response.resume()
  agent.destroy()
})

test('a browser gets a page to try the API on', async () => {
  const { client } = await startTestServer()
  const page = await fetch(client.url, { headers: { accept: 'text/html' } })
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(await page.text()).toContain('recentContext(conversationId: $id')
})

test.each(['/', '/graphql/'])(
  'a browser at %s is led to that page, a program is told that nothing is there',
  async (path) => {
    const { origin, client } = await startTestServer()
    const page = await fetch(origin + path, { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([page.url, page.status]).toEqual([client.url, 200])
    const other = await fetch(origin + path, { headers: { accept: 'application/json' } })
    expect([other.status, await other.json()]).toEqual([
      404,
      { status: 'not found', detail: 'The API is at /graphql.' },
    ])
    expect((await fetch(origin + path, { method: 'POST', body: '{}' })).status).toBe(404)
  },
)

test.each(['text/event-stream', 'text/*'])('a stream for %s tells proxies not to hold it back', async (accept) => {
  const { client } = await startTestServer()
  const query = 'subscription { reply(id: "rep_x") { __typename } }'
  const headers = { 'content-type': 'application/json', accept }
  const response = await fetch(client.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
  expect(response.headers.get('x-accel-buffering')).toBe('no')
  expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
  expect(await response.text()).toContain('ReplyRejected')
})

test.each(['/graphql?query=%7B__typename%7D', '/graphql?query=%7B', '/health', '/nothing'])(
  'HEAD of %s is answered as GET is, without the body',
  async (path) => {
    const { origin } = await startTestServer()
    const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => fetch(origin + path, { method })))
    const shown = ({ status, headers }: Response) => [
      status,
      headers.get('content-type'),
      headers.get('content-length'),
    ]
    expect(shown(head as Response)).toEqual(shown(get as Response))
    expect(await head?.text()).toBe('')
  },
)

test('other pages are not let in', async () => {
  const { client } = await startTestServer()
  const init = {
    method: 'OPTIONS',
    headers: { origin: 'https://example.com', 'access-control-request-method': 'POST' },
  }
  const response = await fetch(client.url, init)
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})

describe('bodies', () => {
  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
  ])('of type %s are refused', async (type) => {
    const { client } = await startTestServer()
    const { status, errors } = await client.post(hello, { 'content-type': type })
    expect(status).toBe(415)
    expect(errors).toMatchObject([{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }])
  })

  test('that say that they are too large are refused', async () => {
    const { client } = await startTestServer()
    const { status, errors } = await client.post({ ...hello, extensions: { x: 'x'.repeat(2_000_000) } })
    expect(status).toBe(413)
    expect(errors).toMatchObject([
      { message: 'The body must be at most 2000000 bytes.', extensions: { code: 'PAYLOAD_TOO_LARGE' } },
    ])
  })

  test.each([
    ['lists', 60_000, '[],'],
    ['keys', 60_000, '"a":1,'],
    ['depth', 120_000, '['],
  ])('that are mostly %s are refused, as they would be long to parse', async (_, count, piece) => {
    const { client } = await startTestServer()
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(client.url, { method: 'POST', headers, body: `{"query":${piece.repeat(count)}` })
    const message = 'The body must have at most 30000 commas, colons and opening brackets outside of strings.'
    expect([response.status, await response.json()]).toEqual([
      413,
      { errors: [{ message, extensions: { code: 'PAYLOAD_TOO_LARGE' } }] },
    ])
  })

  test('of long texts are read, whatever is in them', async () => {
    const { client } = await startTestServer()
    const extensions = { x: '[,"\\'.repeat(100_000) }
    expect(await client.post({ ...hello, extensions })).toMatchObject({ status: 200, data: { __typename: 'Query' } })
  })

  test('in chunks are read, and counted', async () => {
    const { client } = await startTestServer()
    const body = JSON.stringify(hello)
    expect(await postChunks(client.url, [body.slice(0, 5), body.slice(5)])).toMatchObject({
      status: 200,
      body: { data: { __typename: 'Query' } },
    })
    const tooMuch = await postChunks(client.url, Array(40).fill('x'.repeat(100_000)))
    expect(tooMuch).toMatchObject({ status: 413, body: { errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] } })
  })

  test('that stop half way are no fault of the server', async () => {
    const { client, log, origin } = await startTestServer()
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
      const half = request(client.url, { method: 'POST', headers })
      half.on('error', () => resolve())
      half.write('{"query":', () => half.destroy(new Error('left')))
    })
    expect((await fetch(`${origin}/health`)).status).toBe(200)
    expect(log.entries).toEqual([])
  })
})

describe('by GET', () => {
  test('a query is answered', async () => {
    const { client } = await startTestServer()
    const response = await fetch(`${client.url}?query=${encodeURIComponent('{ __typename }')}`)
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } })
  })

  test.each([
    'mutation { deleteConversation(id: "x") { __typename } }',
    'subscription { conversationEvents(conversationId: "x") { cursor } }',
  ])('nothing else is: %s', async (query) => {
    const { client } = await startTestServer()
    const headers = { accept: 'text/event-stream, application/json' }
    const response = await fetch(`${client.url}?query=${encodeURIComponent(query)}`, { headers })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })
})

test('an unexpected error is masked, and logged once under the id that the client sees', async () => {
  const { client, log } = await startTestServer(() => ({
    findConversations: () => Promise.reject(new Error('mongodb://user:secret@host')),
  }))
  const query = '{ conversation(id: "conv_01h455vb4pex5vsknk084sn02q") { title } }'
  const answer = await client.post({ query })
  expect(JSON.stringify(answer)).not.toContain('secret')
  expect(answer.errors).toMatchObject([
    { message: 'Unexpected error.', path: ['conversation'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
  ])
  expect(log.entries).toMatchObject([{ level: 'error', fields: { errorId: answer.errors?.[0]?.extensions.errorId } }])
})

test('an unexpected error of a mutation does not become data', async () => {
  const { client } = await startTestServer(() => ({
    deleteConversation: () => Promise.reject(new TypeError('secret')),
  }))
  const answer = await client.post({ query: 'mutation { deleteConversation(id: "x") { ... on Error { detail } } }' })
  expect(JSON.stringify(answer)).not.toContain('secret')
  expect(answer.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }])
})

test('while it closes the server answers what runs and refuses what is new', async () => {
  let finish: () => void = () => undefined
  const started = Promise.withResolvers<void>()
  const { client, server, origin } = await startTestServer((memory) => ({
    listConversations: async (range) => {
      started.resolve()
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return memory.listConversations(range)
    },
  }))
  const running = client.post({ query: '{ conversations { edges { cursor } } }' })
  await started.promise
  const closed = server.close(5_000)
  await expect(fetch(`${origin}/health`)).rejects.toThrow()
  finish()
  expect(await running).toMatchObject({ status: 200, data: { conversations: { edges: [] } } })
  await closed
})

test('a request that never ends is cut off at the deadline', async () => {
  const started = Promise.withResolvers<void>()
  const { client, server } = await startTestServer(() => ({
    listConversations: () => {
      started.resolve()
      return new Promise(() => undefined)
    },
  }))
  const running = client.post({ query: '{ conversations { edges { cursor } } }' })
  const cut = expect(running).rejects.toThrow()
  await started.promise
  await server.close(50)
  await cut
})

function postChunks(url: string, chunks: string[]): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json', 'transfer-encoding': 'chunked' }
    const post = request(url, { method: 'POST', headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }))
    })
    post.on('error', reject)
    for (const chunk of chunks) post.write(chunk)
    post.end()
  })
}
