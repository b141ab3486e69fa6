import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openSocket } from '../../support/raw-socket.ts'
import { startTestServer } from '../../support/test-server.ts'

const head = (length: string) =>
  `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${length}\r\n\r\n`

test('a body that does not end in time is answered with 408', async () => {
  const { origin } = await startTestServer(undefined, {
    bounds: { maxHeadMs: 1_000, maxRequestMs: 1_500, requestCheckMs: 10 },
  })
  expect(await exchange(origin, `${head('content-length: 100')}{`)).toMatch(/^HTTP\/1\.1 408/)
})

test('a body in crumbs is refused, and the connection with it', async () => {
  const { origin } = await startTestServer()
  const answer = await exchange(origin, head('transfer-encoding: chunked') + '1\r\n \r\n'.repeat(10_001))
  expect(answer).toMatch(/^HTTP\/1\.1 413 .*connection: close.*10000 pieces.*PAYLOAD_TOO_LARGE/is)
})

test('one in crumbs is refused long before one in larger pieces', async () => {
  const { origin } = await startTestServer()
  const chunked = head('transfer-encoding: chunked\r\nconnection: close')
  const answer = await exchange(origin, chunked + '1\r\n \r\n'.repeat(1_001))
  expect(answer).toMatch(/^HTTP\/1\.1 413 .*1000 must have 64 bytes.*PAYLOAD_TOO_LARGE/is)
  const blanks = `64\r\n${' '.repeat(100)}\r\n`.repeat(9_000)
  const body = '{"query":"{ __typename }"}'
  const whole = `${chunked}${blanks}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  expect(await exchange(origin, whole)).toContain('{"data":{"__typename":"Query"}}')
})

test('a body in many pieces is taken', async () => {
  const { origin } = await startTestServer()
  const body = [...'{"query":"{ __typename }"}'].map((letter) => `1\r\n${letter}\r\n`).join('')
  const answer = await exchange(origin, `${head('transfer-encoding: chunked\r\nconnection: close')}${body}0\r\n\r\n`)
  expect(answer).toContain('{"data":{"__typename":"Query"}}')
})

test('of bodies that do not end the oldest makes room, and others are answered', async () => {
  const { origin, client } = await startTestServer(undefined, { bounds: { maxIncomingBytes: 150_000 } })
  const begin = head('content-length: 150000') + ' '.repeat(100_000)
  const first = exchange(origin, begin)
  // It comes later, since the first needs the room first.
  const second = first.then(() => undefined)
  const other = open(origin)
  await expect.poll(async () => (await client.post({ query: '{ __typename }' })).status).toBe(200)
  other.write(begin)
  await second
  expect(await first).toMatch(/^HTTP\/1\.1 503 .*connection: close.*RATE_LIMITED/is)
  expect((await client.post({ query: '{ __typename }' })).status).toBe(200)
})

test('a WebSocket that reads nothing for too long is dropped', async () => {
  const { origin, log } = await startTestServer(undefined, { bounds: { maxStalledMs: 100 } })
  const { raw } = await openSocket(origin)
  const closed = once(raw, 'close')
  raw.pause()
  const ping = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(1_900_000) } })
  for (let count = 0; count < 20; count += 1) raw.send(ping, () => {})
  await closed
  expect(log.entries).toContainEqual({
    level: 'debug',
    fields: { reason: 'it does not read' },
    message: 'socket dropped',
  })
})

function open(origin: string) {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return socket
}

/** All that comes back until the other side closes. */
async function exchange(origin: string, bytes: string): Promise<string> {
  const socket = open(origin)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.write(bytes)
  await once(socket, 'close')
  return text
}
