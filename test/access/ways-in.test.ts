import { once } from 'node:events'
import { request } from 'node:http'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { createServiceKeys, makeServiceKey } from '../../src/access/service-keys.ts'
import { createTokens } from '../../src/access/tokens.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/test-server.ts'
import { SECRET, signBySecret } from '../support/token-issuer.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
const TYPES = [
  'application/json',
  'application/graphql+json',
  'application/graphql',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  undefined,
]
const ACCEPTS = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
  '*/*',
  'image/png',
  undefined,
]
const CREATE = 'mutation { createConversation(input: { externalId: "mine" }) { __typename } }'
const SEND = `subscription { sendMessage(input: { externalId: "mine", content: "hi", clientMessageId: "q" }) { __typename } }`
const KINDS: Record<string, string> = {
  'a query': '{ conversations { nodes { id } } }',
  'a mutation': CREATE,
  'a subscription': SEND,
  introspection: '{ __schema { types { name } } }',
  'a field that is not there': '{ nothing }',
  'no GraphQL': 'hello',
}

const KEY = makeServiceKey('back-end') ?? { key: '', entry: '' }
const serviceKeys = createServiceKeys([{ name: 'back-end', sha256: KEY.entry.split(':')[1] ?? '' }])
const TOKEN = await signBySecret()
const TOKEN_OF_OTHER = await signBySecret({ sub: 'user-3' })
const BY_KEY = { authorization: `Bearer ${KEY.key}`, 'x-backscroll-owner': 'user-1' }

/** What proves nobody, by head and by what a WebSocket is initialised with. */
const NOBODIES: Record<string, Record<string, string>> = {
  nothing: {},
  'an owner alone': { 'x-backscroll-owner': 'user-1' },
  'an empty authorization': { authorization: '' },
  'another scheme': { authorization: `Basic ${KEY.key}` },
  'no token': { authorization: 'Bearer' },
  'two tokens': { authorization: `Bearer ${KEY.key}, Bearer ${KEY.key}` },
  'an unknown key': { authorization: `Bearer ${KEY.key}x`, 'x-backscroll-owner': 'user-1' },
  'the digest of a key': { authorization: `Bearer ${KEY.entry.split(':')[1]}`, 'x-backscroll-owner': 'user-1' },
  'a key for nobody': { authorization: `Bearer ${KEY.key}` },
  'a key for an empty owner': { authorization: `Bearer ${KEY.key}`, 'x-backscroll-owner': '' },
  'a key for the reserved owner': { authorization: `Bearer ${KEY.key}`, 'x-backscroll-owner': 'local' },
  'a token of nobody': { authorization: 'Bearer a.b.c' },
  'a token with a key’s owner': { authorization: `Bearer ${TOKEN}`, 'x-backscroll-owner': 'user-2' },
}

describe('without a caller', () => {
  describe.each(METHODS)('%s', (method) => {
    test.each(Object.entries(KINDS))('%s is refused before its body is read', async (_, query) => {
      const server = await startGuarded()
      for (const type of TYPES) {
        for (const accept of ACCEPTS) {
          const answer = await sendHead(server.origin, method, query, type, accept, {})
          expect([type, accept, answer]).toEqual([type, accept, refused(method)])
        }
      }
      await expectNothing(server)
    })

    test('what proves nobody is refused', async () => {
      const server = await startGuarded()
      for (const [name, headers] of Object.entries(NOBODIES)) {
        const answer = await sendHead(server.origin, method, CREATE, 'application/json', '*/*', headers)
        expect([name, answer]).toEqual([name, refused(method)])
      }
      await expectNothing(server)
    })
  })

  test('a WebSocket is closed that proves nobody', async () => {
    const server = await startGuarded()
    for (const [name, { authorization, 'x-backscroll-owner': owner }] of Object.entries(NOBODIES)) {
      const init = { type: 'connection_init', payload: { authorization, owner } }
      expect([name, await openSocket(server.origin, [init])]).toEqual([name, [4401, expect.stringMatching(/\.$/)]])
      // What comes before the answer is not waited for: the protocol's own words may close the socket.
      expect([name, await openSocket(server.origin, [init, subscribe(CREATE)])]).toEqual([
        name,
        [4401, expect.any(String)],
      ])
    }
    await expectNothing(server)
  })

  test.each([
    ['an operation', subscribe(CREATE)],
    ['no payload', { type: 'connection_init' }],
    ['a list', { type: 'connection_init', payload: { authorization: [BY_KEY.authorization], owner: 'user-1' } }],
    ['two owners', { type: 'connection_init', payload: { authorization: BY_KEY.authorization, owner: ['user-1'] } }],
    ['headers', { type: 'connection_init', payload: { headers: BY_KEY } }],
  ])('a WebSocket is closed that begins with %s', async (_, frame) => {
    const server = await startGuarded()
    expect(await openSocket(server.origin, [frame, subscribe(CREATE)])).toEqual([4401, expect.any(String)])
    await expectNothing(server)
  })

  test('health, readiness and the page are for everybody', async () => {
    const { origin } = await startGuarded()
    for (const [path, accept] of [
      ['/health', '*/*'],
      ['/ready', '*/*'],
      ['/graphql', 'text/html'],
    ] as const) {
      expect((await fetch(`${origin}${path}`, { headers: { accept } })).status).toBe(200)
    }
  })
})

/** Every way to an operation, by which it is done for the owner that is proven. */
const WAYS: Record<string, (origin: string, headers: Record<string, string>) => Promise<void>> = {
  'a plain request': (origin, headers) => post(origin, headers, 'application/json', CREATE),
  'a request for Yoga': (origin, headers) => post(origin, headers, 'application/graphql+json', CREATE),
  'server-sent events': async (origin, headers) => {
    const client = createSseClient({ url: `${origin}/graphql`, headers, retryAttempts: 0 })
    await readAll(client.iterate({ query: SEND }))
  },
  'server-sent events of a mutation': (origin, headers) =>
    post(origin, headers, 'application/json', CREATE, 'text/event-stream'),
  'a WebSocket’s mutation': (origin, headers) => bySocket(origin, headers, CREATE),
  'a WebSocket’s subscription': (origin, headers) => bySocket(origin, headers, SEND),
}

describe.each(Object.entries(WAYS))('by %s', (_, send) => {
  test.each([
    ['a service key', 'user-1', BY_KEY],
    ['a service key for others', 'user/2, x', { ...BY_KEY, 'x-backscroll-owner': 'user/2, x' }],
    ['a token', 'user-1', { authorization: `bearer ${TOKEN}` }],
    ['a token that is named', 'user-3', { authorization: `Bearer ${TOKEN_OF_OTHER}`, 'x-backscroll-owner': 'user-3' }],
  ])('%s acts for %s, and for nobody else', async (_name, owner, headers) => {
    const model = createScriptedModel()
    void model.nextCall().then((call) => call.answer('yes'))
    const { origin, memory } = await startGuarded({ model })
    await send(origin, headers)
    expect(await memory.findConversationByExternalId(owner, 'mine')).toMatchObject({ ownerId: owner })
    expect(await memory.findConversationByExternalId('local', 'mine')).toBeUndefined()
  })
})

test('a server that cannot verify says so, for a client to try again', async () => {
  const unavailable = {
    status: 503,
    code: 'AUTHENTICATION_UNAVAILABLE' as const,
    message: 'Later.',
    headers: { 'retry-after': '5' },
  }
  const { origin } = await startGuarded({ access: { tokens: { verify: async () => unavailable } } })
  const headers = { authorization: 'Bearer a.b.c' }
  const answer = await sendHead(origin, 'POST', CREATE, 'application/json', '*/*', headers)
  expect(answer).toEqual({ status: 503, challenge: undefined, retryAfter: '5', code: 'AUTHENTICATION_UNAVAILABLE' })
  expect(await openSocket(origin, [{ type: 'connection_init', payload: headers }])).toEqual([1013, 'Later.'])
})

test('an owner’s name may have any letters, in UTF-8', async () => {
  const { origin, memory } = await startGuarded()
  const name = Buffer.from('jürgen 名').toString('latin1')
  await post(origin, { ...BY_KEY, 'x-backscroll-owner': name }, 'application/json', CREATE)
  const inLatin1 = { ...BY_KEY, 'x-backscroll-owner': 'jürgen' }
  expect(await sendHead(origin, 'GET', '{ __typename }', undefined, undefined, inLatin1)).toEqual(refused('GET'))
  expect(await memory.findConversationByExternalId('jürgen 名', 'mine')).toBeDefined()
})

async function startGuarded(options: TestServerOptions = {}): Promise<TestServer> {
  const tokens = createTokens({ secret: SECRET }, { ownerClaim: 'sub' }, Date.now)
  return startTestServer(undefined, { ...options, access: { tokens, serviceKeys, ...options.access } })
}

async function expectNothing({ memory, log }: TestServer): Promise<void> {
  for (const owner of ['user-1', 'user-2', 'local', '', 'undefined']) {
    expect(await memory.findConversationByExternalId(owner, 'mine')).toBeUndefined()
  }
  expect(log.entries.filter(({ level }) => level !== 'debug')).toEqual([])
  expect(JSON.stringify(log.entries)).not.toContain(KEY.key)
}

function refused(method: string) {
  const isHead = method === 'HEAD'
  const code = isHead ? undefined : 'UNAUTHENTICATED'
  return { status: 401, challenge: expect.stringMatching(/^Bearer realm="backscroll"/), retryAfter: undefined, code }
}

/** A request whose body is announced and never sent. */
async function sendHead(
  origin: string,
  method: string,
  query: string,
  type: string | undefined,
  accept: string | undefined,
  headers: Record<string, string>,
) {
  const own = { ...(type && { 'content-type': type }), ...(accept && { accept }) }
  const url = `${origin}/graphql?query=${encodeURIComponent(query)}`
  const hasBody = !['GET', 'HEAD'].includes(method)
  const sent = request(url, { method, headers: { ...own, ...(hasBody && { 'content-length': '1000' }), ...headers } })
  sent.on('error', () => {})
  if (hasBody) sent.flushHeaders()
  else sent.end()
  const [response] = await once(sent, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    // The answer is there, and its end comes with that of the body.
    if (text.endsWith('}\n')) break
  }
  sent.destroy()
  const { 'www-authenticate': challenge, 'retry-after': retryAfter } = response.headers
  const code = text === '' ? undefined : JSON.parse(text).errors[0].extensions.code
  return { status: response.statusCode, challenge, retryAfter, code }
}

async function post(
  origin: string,
  headers: Record<string, string>,
  type: string,
  query: string,
  accept = '*/*',
): Promise<void> {
  const init = {
    method: 'POST',
    headers: { ...headers, 'content-type': type, accept },
    body: JSON.stringify({ query }),
  }
  const response = await fetch(`${origin}/graphql`, init)
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('CreateConversationSuccess')])
}

async function bySocket(origin: string, headers: Record<string, string>, query: string): Promise<void> {
  const { authorization, 'x-backscroll-owner': owner } = headers
  const client = createSocketClient({
    url: `${origin.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization, owner },
  })
  onTestFinished(() => void client.dispose())
  await readAll(client.iterate({ query }))
}

async function readAll(results: AsyncIterable<unknown>): Promise<void> {
  for await (const result of results) expect(result).not.toHaveProperty('errors')
}

/** What a socket is closed with that says this as it opens. */
async function openSocket(origin: string, frames: readonly object[]): Promise<[number, string]> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  socket.once('open', () => {
    for (const frame of frames) socket.send(JSON.stringify(frame))
  })
  const [code, reason] = await once(socket, 'close')
  return [code, String(reason)]
}

function subscribe(query: string): object {
  return { id: '1', type: 'subscribe', payload: { query } }
}
