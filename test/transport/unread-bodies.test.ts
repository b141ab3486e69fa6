import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { startTestServer } from '../support/test-server.ts'

const JSON_TYPE = 'content-type: application/json'
/** Far more than what the buffers of both sides hold. */
const LARGE = 24_000_000
const OK = '{"query":"{ __typename }"}'

/** What is answered before a body is read, and how. */
const REFUSED: Record<string, { path?: string; headers: string[]; status: number }> = {
  'too large': { headers: [JSON_TYPE], status: 413 },
  'of another type': { headers: ['content-type: text/plain'], status: 415 },
  'of another charset': { headers: [`${JSON_TYPE}; charset=utf-16`], status: 415 },
  compressed: { headers: [JSON_TYPE, 'content-encoding: gzip'], status: 415 },
  'for nobody': { path: '/nothing', headers: [JSON_TYPE], status: 404 },
  'for a health check': { path: '/health', headers: [JSON_TYPE], status: 200 },
  'from another page': { headers: [JSON_TYPE, 'origin: http://evil.example'], status: 403 },
}

describe.each(Object.entries(REFUSED))('a body %s', (_, { path = '/graphql', headers, status }) => {
  test('is answered to a client that reads when all is sent', async () => {
    const { origin } = await startTestServer()
    const length = `content-length: ${LARGE}`
    const answer = await sendAll(origin, [...requestOf(path, headers), length], pieces(LARGE))
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer.endsWith('}\n')).toBe(true)
  })

  test('in chunks, too', async () => {
    const { origin } = await startTestServer()
    const chunks = pieces(LARGE).map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
    const answer = await sendAll(
      origin,
      [...requestOf(path, headers), 'transfer-encoding: chunked'],
      [...chunks, '0\r\n\r\n'],
    )
    expect(answer).toContain(`HTTP/1.1 ${status} `)
  })

  test('is answered to fetch', async () => {
    const { origin } = await startTestServer()
    const entries = headers.map((header) => header.split(': ') as [string, string])
    const response = await fetch(origin + path, { method: 'POST', headers: entries, body: 'x'.repeat(LARGE) })
    expect([response.status, await response.json()]).toEqual([status, expect.anything()])
  })

  test('is not asked for, where the client waits for that', async () => {
    const { origin } = await startTestServer()
    const lines = [...requestOf(path, headers), 'expect: 100-continue', `content-length: ${LARGE}`]
    const answer = await sendAll(origin, lines, [])
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.toLowerCase()).toContain('\r\nconnection: close\r\n')
  })
})

test('a body that is wanted is asked for, and the connection goes on', async () => {
  const { origin } = await startTestServer()
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('utf8')
  const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: ${OK.length}\r\n`
  for (const _ of [1, 2]) {
    socket.write(`${head}expect: 100-continue\r\n\r\n`)
    expect((await once(socket, 'data'))[0]).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(OK)
    expect((await once(socket, 'data'))[0]).toContain('{"data":{"__typename":"Query"}}')
  }
  socket.destroy()
})

test('what follows a refused body on its connection is answered', async () => {
  const { origin } = await startTestServer()
  const first = `POST /graphql HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}\r\ncontent-length: ${LARGE}\r\n\r\n`
  const next = ['GET /health HTTP/1.1', 'host: localhost', 'connection: close']
  const answer = await sendAll(origin, [`${first}${'x'.repeat(LARGE)}${next[0]}`, ...next.slice(1)], [])
  expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*"alive"/)
})

test('a body without an end is cut', async () => {
  const { origin } = await startTestServer()
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('utf8')
  socket.on('error', () => {}).resume()
  let isOpen = true
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOpen = false
      resolve()
    })
  })
  socket.write(`${[...requestOf('/graphql', [JSON_TYPE]), 'transfer-encoding: chunked'].join('\r\n')}\r\n\r\n`)
  const chunk = `${(1_000_000).toString(16)}\r\n${'x'.repeat(1_000_000)}\r\n`
  while (isOpen) {
    const drained = new Promise((resolve) => socket.once('drain', resolve))
    if (!socket.write(chunk)) await Promise.race([drained, closed])
  }
})

function requestOf(path: string, headers: readonly string[]): string[] {
  return [`POST ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers]
}

function pieces(bytes: number): string[] {
  return Array(bytes / 100_000).fill('x'.repeat(100_000))
}

/** As Python does: first all is sent, then the answer is read. */
async function sendAll(origin: string, lines: readonly string[], body: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  for (const piece of [`${lines.join('\r\n')}\r\n\r\n`, ...body]) {
    if (!socket.write(piece)) await once(socket, 'drain')
  }
  return text(socket)
}
