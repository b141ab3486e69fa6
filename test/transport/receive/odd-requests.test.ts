import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestServer } from '../../support/test-server.ts'

const HOST = 'host: localhost'
const CLOSE = 'connection: close'
const JSON_TYPE = 'content-type: application/json'
const CREATE = '{"query":"mutation { createConversation(input: { externalId: \\"odd\\" }) { __typename } }"}'
const HELLO = '{"query":"{ __typename }"}'
const DONE = '{"data":{"createConversation":{"__typename":"CreateConversationSuccess"}}}'
const WELCOME = '{"data":{"__typename":"Query"}}'
const WEBSOCKET = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
]
const LARGE = 'x'.repeat(2_500_000)

const METHODS: [method: string, status: number][] = [
  ['OPTIONS', 405],
  ['PUT', 405],
  ['PATCH', 405],
  ['DELETE', 405],
  ['TRACE', 405],
  ['PROPFIND', 405],
  ['QUERY', 405],
  ['M-SEARCH', 405],
  ['CONNECT', 405],
  ['FOO', 400],
  ['post', 400],
]
const PATHS = [
  '//graphql',
  '/graphql/',
  '/graphql;x',
  '/graphql%20',
  '/%67raphql',
  '/GraphQL',
  '/graphql/../graphql',
  '/./graphql',
  '/graphql#x',
  '/graphql%3Fquery=x',
  '/graphql\\',
  '*',
]

describe.each(METHODS)('%s', (method, status) => {
  test.each([
    ['/graphql', [JSON_TYPE]],
    ['/graphql?query=mutation%7BcreateConversation(input:%7BexternalId:%22odd%22%7D)%7B__typename%7D%7D', []],
    ['/graphql', ['expect: 100-continue', JSON_TYPE]],
  ])('of %s is refused with a reason, without an effect', async (path, headers) => {
    const { answers, hasEffect } = await send([`${method} ${path} HTTP/1.1`, HOST, CLOSE, ...headers], CREATE)
    expect(answers).toMatchObject([{ status, body: expect.stringContaining('"message"') }])
    if (status === 405) expect(answers[0]?.head).toMatch(/^allow: .*POST/im)
    expect(hasEffect).toBe(false)
  })
})

test.each(PATHS)('nothing is at %s', async (path) => {
  const { answers, hasEffect } = await send([`POST ${path} HTTP/1.1`, HOST, CLOSE, JSON_TYPE], CREATE)
  expect(answers).toMatchObject([{ status: 404, body: '{"status":"not found","detail":"The API is at /graphql."}\n' }])
  expect(hasEffect).toBe(false)
})

/** Heads and bodies that cannot be read, and with what status they are refused. */
const BROKEN: Record<string, { lines: string[]; body?: string; status: number }> = {
  'no HTTP': { lines: ['hello'], status: 400 },
  'HTTP/0.9': { lines: ['POST /graphql'], status: 400 },
  'HTTP/3.0': { lines: ['POST /graphql HTTP/3.0', HOST, JSON_TYPE], status: 400 },
  'HTTP/2': { lines: ['PRI * HTTP/2.0', '', 'SM'], status: 400 },
  TLS: { lines: ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'], status: 400 },
  'a header without a colon': { lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'x'], status: 400 },
  'a space before the colon': {
    lines: ['POST /graphql HTTP/1.1', HOST, 'content-type : application/json'],
    status: 400,
  },
  'a head of 20,000 bytes': {
    lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, `x: ${'x'.repeat(20_000)}`],
    status: 431,
  },
  'two lengths': { lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'content-length: 1'], body: CREATE, status: 400 },
  'a length and chunks': {
    lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'transfer-encoding: chunked'],
    body: CREATE,
    status: 400,
  },
  'a length that is none': { lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'content-length: -1'], status: 400 },
  'a chunk whose length is none': { ...chunked(`x\r\n${CREATE}\r\n0\r\n\r\n`), status: 400 },
  'a chunk that is longer than it says': { ...chunked(`5\r\n${CREATE}\r\n0\r\n\r\n`), status: 400 },
  'a chunk with a long extension': { ...chunked(`5;${'x'.repeat(20_000)}\r\n${CREATE}\r\n0\r\n\r\n`), status: 413 },
}

test.each(Object.entries(BROKEN))(
  '%s is refused with a reason, without an effect',
  async (_, { lines, body, status }) => {
    const { answers, hasEffect } = await send(lines, body)
    expect(answers).toMatchObject([{ status, body: expect.stringContaining('"message"') }])
    expect(hasEffect).toBe(false)
  },
)

/** Requests that follow one another on one connection, and their answers in order. */
const PIPELINES: Record<string, { sent: string[]; answers: [status: number, body: string][] }> = {
  'what is no request behind one that is executed': {
    sent: [post(CREATE), 'hello\r\n\r\n'],
    answers: [
      [200, DONE],
      [400, 'no HTTP request'],
    ],
  },
  'CONNECT behind one': {
    sent: [post(CREATE), `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n\r\n`],
    answers: [
      [200, DONE],
      [405, 'no proxy'],
    ],
  },
  'an upgrade behind one': {
    sent: [post(CREATE), `${['GET /graphql HTTP/1.1', HOST, ...WEBSOCKET].join('\r\n')}\r\n\r\n`],
    answers: [
      [200, DONE],
      [400, 'cannot open a WebSocket'],
    ],
  },
  'a long head behind one': {
    sent: [post(CREATE), `GET /health HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    answers: [
      [200, DONE],
      [431, '16384 bytes'],
    ],
  },
  'a broken body behind one': {
    sent: [
      post(CREATE),
      `${['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'transfer-encoding: chunked'].join('\r\n')}\r\n\r\nx\r\n`,
    ],
    answers: [
      [200, DONE],
      [400, 'no HTTP request'],
    ],
  },
  'one behind a type that is refused': {
    sent: [post(CREATE, 'text/plain'), last(HELLO)],
    answers: [
      [415, 'text/plain'],
      [200, WELCOME],
    ],
  },
  'one behind a body that is too large': {
    sent: [post(LARGE), last(HELLO)],
    answers: [
      [413, '2000000 bytes'],
      [200, WELCOME],
    ],
  },
  'one behind a foreign host': {
    sent: [post(CREATE).replace('localhost', 'evil.example'), last(HELLO)],
    answers: [
      [403, 'evil'],
      [200, WELCOME],
    ],
  },
  'one behind a method that is refused': {
    sent: [post(CREATE).replace('POST', 'PUT'), last(HELLO)],
    answers: [
      [405, ''],
      [200, WELCOME],
    ],
  },
  'one behind a path where nothing is': {
    sent: [post(CREATE).replace('/graphql', '/x'), last(HELLO)],
    answers: [
      [404, 'not found'],
      [200, WELCOME],
    ],
  },
  'one behind trailers': {
    sent: [
      `${['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'trailer: x', 'transfer-encoding: chunked'].join('\r\n')}\r\n\r\n${chunk(CREATE)}0\r\nx: y\r\n\r\n`,
      last(HELLO),
    ],
    answers: [
      [200, DONE],
      [200, WELCOME],
    ],
  },
  'a body that waits to be asked for, and is too large': {
    sent: [post(LARGE, 'application/json', 'expect: 100-continue')],
    answers: [[413, '2000000 bytes']],
  },
  'a body that waits to be asked for, and is not': {
    sent: [post(CREATE, 'text/plain', 'expect: 100-continue'), last(HELLO)],
    answers: [[415, 'text/plain']],
  },
  'an expectation that is unknown': { sent: [last(CREATE, 'expect: x')], answers: [[417, '100-continue']] },
}

test.each(Object.entries(PIPELINES))('%s: each is answered in its turn', async (_, { sent, answers: wanted }) => {
  const { answers, hasEffect } = await exchangeAll(sent.join(''))
  const shown = answers.map(({ status, body }, at) => [
    status,
    body.includes(wanted[at]?.[1] ?? '?') ? wanted[at]?.[1] : body,
  ])
  expect(shown).toEqual(wanted)
  expect(hasEffect).toBe(wanted.some(([, body]) => body === DONE))
})

test('WebSocket is taken from several protocols that are offered', async () => {
  const { origin } = await startTestServer()
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const offers = WEBSOCKET.map((line) => line.replace('upgrade: websocket', 'upgrade: h2c, websocket'))
  socket.write(`${['GET /graphql HTTP/1.1', HOST, ...offers].join('\r\n')}\r\n\r\n`)
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /)
})

test.each([
  ['a bad key', 'GET', ['sec-websocket-key: x'], 400, 'BAD_REQUEST'],
  ['another version', 'GET', ['sec-websocket-version: 7'], 426, 'BAD_REQUEST'],
  ['a broken protocol', 'GET', ['sec-websocket-protocol: a,,b'], 400, 'BAD_REQUEST'],
  ['another method', 'POST', [], 405, 'METHOD_NOT_ALLOWED'],
])('an upgrade with %s is refused in JSON, as all else is', async (_, method, headers, status, code) => {
  const named = headers.map((line) => line.split(':', 1)[0])
  const rest = WEBSOCKET.filter((line) => !named.includes(line.split(':', 1)[0]))
  const { answers } = await send([`${method} /graphql HTTP/1.1`, HOST, ...rest, ...headers], '')
  expect(answers).toMatchObject([{ status, head: expect.stringMatching(/content-type: application\/json/i) }])
  expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ errors: [{ extensions: { code } }] })
  if (status === 426) expect(answers[0]?.head).toMatch(/upgrade: websocket.*sec-websocket-version: 13/is)
})

test.each([
  ['a type twice', [JSON_TYPE, JSON_TYPE], 415],
  ['two types', [JSON_TYPE, 'content-type: text/plain'], 415],
  ['two encodings', [JSON_TYPE, 'content-encoding: identity', 'content-encoding: gzip'], 415],
  ['another charset', ['content-type: application/json; charset=utf-16'], 415],
  ['a charset twice', ['content-type: application/json; charset=utf-8; charset=utf-16'], 200],
  ['an empty type', ['content-type:'], 415],
  ['a type in quotes', ['content-type: "application/json"'], 415],
  ['a host twice', [JSON_TYPE, HOST], 400],
  ['many headers', [JSON_TYPE, ...Array.from({ length: 200 }, (_, at) => `x${at}: y`)], 200],
  ['too many headers', [...Array.from({ length: 2_100 }, () => 'x:y'), JSON_TYPE], 431],
])('%s: it is answered, or refused without an effect', async (_, headers, status) => {
  const { answers, hasEffect } = await send(['POST /graphql HTTP/1.1', HOST, CLOSE, ...headers], CREATE)
  expect(answers).toMatchObject([{ status }])
  expect(hasEffect).toBe(status === 200)
})

interface Answer {
  status: number
  head: string
  body: string
}

function post(body: string, type = 'application/json', ...more: string[]): string {
  const head = ['POST /graphql HTTP/1.1', HOST, `content-type: ${type}`, `content-length: ${body.length}`, ...more]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** One that closes the connection. */
function last(body: string, ...more: string[]): string {
  return post(body, 'application/json', CLOSE, ...more)
}

function chunk(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n`
}

function chunked(body: string) {
  return { lines: ['POST /graphql HTTP/1.1', HOST, JSON_TYPE, 'transfer-encoding: chunked', '', body] }
}

/** One request whose lines are as they are; with a length where it has a body. */
function send(lines: string[], body = '') {
  const length = body === '' ? [] : [`content-length: ${body.length}`]
  const [first = '', ...rest] = lines
  return exchangeAll(`${[first, ...length, ...rest].join('\r\n')}\r\n\r\n${body}`)
}

/** All that comes back over one connection, which the server has to close, and whether there is a conversation then. */
async function exchangeAll(bytes: string): Promise<{ answers: Answer[]; hasEffect: boolean }> {
  const { origin, memory } = await startTestServer()
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(bytes, 'latin1')
  const received = await text(socket)
  const hasEffect = (await memory.findConversationByExternalId('local', 'odd')) !== undefined
  return {
    answers: received
      .split(/(?=HTTP\/1\.1 \d)/)
      .map(asAnswer)
      .filter(({ status }) => status !== 100),
    hasEffect,
  }
}

function asAnswer(received: string): Answer {
  const [head = '', ...rest] = received.split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: rest.join('\r\n\r\n') }
}
