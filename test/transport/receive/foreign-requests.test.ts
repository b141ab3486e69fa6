import { describe, expect, test } from 'vitest'
import { exchangeRaw } from '../../support/raw-exchange.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'

const CLOSE = 'connection: close'
const CREATE = '{"query":"mutation { createConversation(input: { externalId: \\"evil\\" }) { __typename } }"}'
const STREAM = '{"query":"subscription { reply(id: \\"rep_x\\") { __typename } }"}'
const UPGRADE = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
]
const QUERY = '/graphql?query=%7B__typename%7D'

/** Every way in, by what the request is sent with beside its host and origin. */
const WAYS: Record<string, { line: string; headers: string[]; body?: string; status: number }> = {
  mutation: { ...post(CREATE, 'application/json'), status: 200 },
  subscription: { ...post(STREAM, 'text/event-stream'), status: 200 },
  'query by GET': { line: `GET ${QUERY}`, headers: [CLOSE], status: 200 },
  'query by HEAD': { line: `HEAD ${QUERY}`, headers: [CLOSE], status: 200 },
  page: { line: 'GET /graphql', headers: [CLOSE, 'accept: text/html'], status: 200 },
  OPTIONS: { line: 'OPTIONS /graphql', headers: [CLOSE], status: 405 },
  DELETE: { line: 'DELETE /graphql', headers: [CLOSE], status: 405 },
  health: { line: 'GET /health', headers: [CLOSE], status: 200 },
  readiness: { line: 'GET /ready', headers: [CLOSE], status: 200 },
  'the way to the page': { line: 'GET /', headers: [CLOSE, 'accept: text/html'], status: 302 },
  'another path': { line: 'POST /nothing', headers: [CLOSE, 'content-length: 0'], status: 404 },
  'socket elsewhere': { line: 'GET /nothing', headers: UPGRADE, status: 404 },
}

const FOREIGN_HOSTS = [
  'evil.example',
  'evil.example:4000',
  '127.0.0.1.evil.example',
  'localhost.evil.example:4000',
  'evillocalhost',
  '0.0.0.0:4000',
  '[::]',
  '128.0.0.1',
  '192.168.0.1',
  '[fe80::1]',
  'localhost.',
]
const BROKEN_HOSTS = [
  '',
  ' ',
  'a b:99999999',
  '[::1',
  '::1',
  'x:99999999',
  'localhost:65536',
  'localhost:x',
  'localhost:1:2',
  'localhost@evil.example',
  'evil.example@localhost',
  'localhost, evil.example',
  'localhost/x',
  'localhost#',
  '%',
  'löcalhost',
  '[::1]x',
]
const OWN_HOSTS = [
  'localhost',
  'LOCALHOST:1',
  '127.0.0.1',
  '127.9.9.9:65535',
  '[::1]:4000',
  'app.localhost:80',
  '127.0.0.1:',
]

describe.each(Object.entries(WAYS))('%s', (_, { line, headers, body, status }) => {
  const send = ({ origin }: TestServer, ...more: string[]) =>
    exchangeRaw(origin, `${line} HTTP/1.1`, [...more, ...headers], body)

  test('is answered for hosts of this machine, from a page of theirs too', async () => {
    const server = await startTestServer()
    for (const host of OWN_HOSTS) expect([host, (await send(server, `host: ${host}`)).status]).toEqual([host, status])
    const own = ['host: localhost:4000', 'origin: http://localhost:4000', 'sec-fetch-site: same-origin']
    expect((await send(server, ...own)).status).toBe(status)
  })

  test('is refused for others, without an effect', async () => {
    const server = await startTestServer()
    for (const host of FOREIGN_HOSTS) await expectRefusal(send(server, `host: ${host}`), 403, 'FORBIDDEN')
    for (const host of BROKEN_HOSTS) await expectRefusal(send(server, `host: ${host}`), 400, 'BAD_REQUEST')
    await expectRefusal(send(server), 400, 'BAD_REQUEST')
    await expectRefusal(send(server, 'host: localhost', 'host: localhost'), 400, 'BAD_REQUEST')
    await expectRefusal(send(server, 'host: localhost', 'host: evil.example'), 400, 'BAD_REQUEST')
    expect(await server.memory.findConversationByExternalId('local', 'evil')).toBeUndefined()
    expect(server.log.entries).toEqual([])
  })

  test('is refused for pages of others, without an effect', async () => {
    const server = await startTestServer()
    for (const origin of [
      'http://evil.example',
      'http://localhost.evil.example:4000',
      'http://localhost:4001',
      'http://127.0.0.1:4000',
      'https://localhost',
      'null',
      '',
      'http://',
      'file://',
      'http://localhost:4000/',
      'http://evil@localhost:4000',
      'http://localhost:4000, http://evil.example',
    ]) {
      await expectRefusal(send(server, 'host: localhost:4000', `origin: ${origin}`), 403, 'FORBIDDEN')
    }
    const image = ['sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors']
    await expectRefusal(send(server, 'host: localhost:4000', ...image), 403, 'FORBIDDEN')
    expect(await server.memory.findConversationByExternalId('local', 'evil')).toBeUndefined()
  })
})

test.each(['http://localhost:4000/graphql', 'HTTP://127.0.0.1/graphql', 'https://[::1]/graphql'])(
  'a target with scheme and host is taken: %s',
  async (target) => {
    const { origin } = await startTestServer()
    const { line, headers, body } = post('{"query":"{ __typename }"}', 'application/json')
    const sent = [line.replace('/graphql', target), ['host: localhost', ...headers], body] as const
    const { status, body: answer } = await exchangeRaw(origin, `${sent[0]} HTTP/1.1`, sent[1], sent[2])
    expect([status, answer]).toEqual([200, '{"data":{"__typename":"Query"}}'])
    const asked = await exchangeRaw(origin, `GET ${target}?query=%7B__typename%7D HTTP/1.1`, ['host: localhost', CLOSE])
    expect(asked.body).toContain('{"data":{"__typename":"Query"}}')
    const base = target.replace('/graphql', '')
    for (const [path, expected] of [
      ['', 404],
      ['/', 404],
      ['/health', 200],
      ['?x', 404],
    ] as const) {
      const { status } = await exchangeRaw(origin, `GET ${base}${path} HTTP/1.1`, ['host: localhost', CLOSE])
      expect([path, status]).toEqual([path, expected])
    }
  },
)

test.each([
  ['http://evil.example/health', 403],
  ['http://localhost@evil.example/health', 400],
  ['http:///health', 400],
  ['http://localhost:99999/health', 400],
])('a target with another host is refused, whatever Host says: %s', async (target, status) => {
  const { origin } = await startTestServer()
  const answer = await exchangeRaw(origin, `GET ${target} HTTP/1.1`, ['host: localhost', CLOSE])
  expect([answer.status, answer.body]).toEqual([status, expect.stringContaining('Host must be')])
})

test('HTTP/1.0 is served, and needs a host as well', async () => {
  const { origin } = await startTestServer()
  expect((await exchangeRaw(origin, 'GET /health HTTP/1.0', ['host: localhost'])).status).toBe(200)
  expect((await exchangeRaw(origin, 'GET /health HTTP/1.0', [])).status).toBe(400)
})

test('a refusal shows only the beginning of a long value', async () => {
  const { origin } = await startTestServer()
  const long = 'evil'.repeat(2_000)
  const { body } = await exchangeRaw(origin, 'GET /health HTTP/1.1', [`host: ${long}`, CLOSE])
  expect(JSON.parse(body).errors[0].message).toContain('got "evil')
  expect(body.length).toBeLessThan(300)
})

test.each(['h2c', 'TLS/1.2', 'websockets'])('an offer to upgrade to %s is ignored', async (protocol) => {
  const { origin } = await startTestServer()
  const headers = ['host: localhost', 'connection: Upgrade, HTTP2-Settings, close', `upgrade: ${protocol}`]
  const health = await exchangeRaw(origin, 'GET /health HTTP/1.1', [...headers, 'http2-settings: AAMAAABkAAQAoAAA'])
  expect([health.status, health.body]).toEqual([200, '{"status":"alive"}\n'])
  const body = '{"query":"{ __typename }"}'
  const type = ['content-type: application/json', `content-length: ${body.length}`]
  const answer = await exchangeRaw(origin, 'POST /graphql HTTP/1.1', [...headers, ...type], body)
  expect([answer.status, answer.body]).toEqual([200, '{"data":{"__typename":"Query"}}'])
})

function post(body: string, accept: string) {
  const headers = ['content-type: application/json', `accept: ${accept}`, `content-length: ${body.length}`, CLOSE]
  return { line: 'POST /graphql', headers, body }
}

async function expectRefusal(sent: ReturnType<typeof exchangeRaw>, status: number, code: string): Promise<void> {
  const answer = await sent
  expect(answer.status).toBe(status)
  expect(answer.head).toContain('content-type: application/json')
  // The answer to HEAD has no body.
  if (answer.body !== '') expect(JSON.parse(answer.body)).toMatchObject({ errors: [{ extensions: { code } }] })
}
