import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { BOUNDS, type Bounds } from '../../../src/transport/bounds/bounds.ts'
import { createConnections } from '../../../src/transport/bounds/connections.ts'
import { cutUnreadAnswers } from '../../../src/transport/bounds/unread-answers.ts'
import { createKeptLog } from '../../support/kept-log.ts'

/** More than the buffers of a connection hold. */
const LARGE = Buffer.alloc(32_000_000)

const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

test('a request is served when the one before it on its connection is answered', async () => {
  const { open, served, begun } = await start()
  const client = await open(request('/1') + request('/2') + request('/3'))
  client.resume()
  expect([...served.keys()]).toEqual(['/1'])
  served.get('/1')?.end()
  await begun('/2')
  expect([...served.keys()]).toEqual(['/1', '/2'])
  served.get('/2')?.end()
  await begun('/3')
})

test('a request is not begun while the answer before it is unread', async () => {
  const { open, served, begun } = await start()
  const slow = await open(request('/1') + request('/2'))
  served.get('/1')?.end(LARGE)
  for (const path of ['/a', '/b', '/c']) {
    const other = await open(request(path))
    served.get(path)?.end('x')
    await once(other.resume(), 'data')
  }
  expect([...served.keys()]).not.toContain('/2')
  slow.resume()
  await begun('/2')
})

test('the connection that is unused for longest makes room for a new one', async () => {
  const { open } = await start({ maxConnections: 3 })
  const [unused] = [await open(''), await open(request('/used')), await open('')]
  const closed = once((unused as Socket).resume(), 'close')
  const fresh = await open(request('/new'))
  await closed
  expect(fresh.closed).toBe(false)
})

test('where all are used, a new one is told so', async () => {
  const { open, log } = await start({ maxConnections: 1 })
  const used = await open(request('/used'))
  const refused = await open(request('/new'), false)
  const [answer] = await once(refused.setEncoding('utf8').resume(), 'data')
  expect(answer).toMatch(/^HTTP\/1\.1 503 .*RATE_LIMITED/s)
  expect(used.closed).toBe(false)
  expect(log.entries).toMatchObject([{ level: 'debug' }])
})

test('a connection on which too many requests wait is cut', async () => {
  const { open } = await start({ maxPipelined: 2 })
  const client = await open(request('/1').repeat(4), false)
  await once(client.resume(), 'close')
})

test('a client that reads nothing for too long is cut off', async () => {
  const { open, served } = await start({ maxStalledMs: 50 })
  const client = await open(request('/1'))
  served.get('/1')?.end(LARGE)
  await once(served.get('/1') as ServerResponse, 'close')
  await once(client.resume(), 'close')
})

test('a request that takes long is not cut off', async () => {
  const { open, served, timedOut } = await start({ maxStalledMs: 20 })
  const client = await open(request('/1'))
  await timedOut
  served.get('/1')?.end('x')
  await once(client.resume(), 'data')
})

test('where too much waits for all, one of those that do not read is cut off', async () => {
  const { open, served } = await start({ maxUnreadBytes: 40_000_000, unreadCheckMs: 5 })
  await open(request('/one'))
  await open(request('/other'))
  const answers = ['/one', '/other'].map((path) => served.get(path)?.end(LARGE) as ServerResponse)
  await Promise.race(answers.map((answer) => once(answer, 'close')))
  expect(answers.filter((answer) => answer.closed)).toHaveLength(1)
})

async function start(bounds: Partial<Bounds> = {}) {
  const all = { ...BOUNDS, ...bounds }
  const log = createKeptLog()
  const served = new Map<string, ServerResponse>()
  const waiting = new Map<string, () => void>()
  const http = createServer((incoming, response) =>
    connections.serve(incoming, response, () => {
      const { url = '' } = incoming
      served.set(url, response)
      waiting.get(url)?.()
    }),
  )
  const connections = createConnections(http, all, log)
  cutUnreadAnswers(http, connections, all, log)
  await once(http.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    http.close()
    http.closeAllConnections()
  })
  const timedOut = once(http, 'timeout')
  const { port } = http.address() as AddressInfo

  function begun(path: string): Promise<void> {
    return served.has(path) ? Promise.resolve() : new Promise((resolve) => waiting.set(path, resolve))
  }

  /** Connected, and its first request is begun. */
  async function open(bytes: string, isServed = true): Promise<Socket> {
    const client = connect(port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void client.destroy())
    client.pause()
    const accepted = once(http, 'connection')
    client.write(bytes)
    await accepted
    const [, path] = /^GET (\S+)/.exec(bytes) ?? []
    if (path !== undefined && isServed) await begun(path)
    return client
  }

  return { open, served, begun, log, timedOut }
}
