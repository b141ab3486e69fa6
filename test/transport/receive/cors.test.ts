import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createServiceKeys, makeServiceKey } from '../../../src/access/service-keys.ts'
import { exchange, type Sent } from '../../support/http-exchange.ts'
import { startTestServer, type TestServerOptions } from '../../support/test-server.ts'

const PAGE = 'https://chat.example.org'
const ORIGINS = [PAGE, 'capacitor://localhost']
const FOREIGN = [
  'https://evil.example',
  'http://chat.example.org',
  'https://chat.example.org:8443',
  'https://sub.chat.example.org',
  'https://chat.example.org.evil.example',
  'https://CHAT.example.org',
  'https://chat.example.org/',
  'null',
]
const JSON_TYPE = 'application/json'
const STREAM = '{"query":"subscription { reply(id: \\"rep_x\\") { __typename } }"}'
const QUERY = '{"query":"{ __typename }"}'
const KEY = makeServiceKey('web') ?? { key: '', entry: '' }
const serviceKeys = createServiceKeys([{ name: 'web', sha256: KEY.entry.split(':')[1] ?? '' }])
const PROVEN = { authorization: `Bearer ${KEY.key}`, 'x-backscroll-owner': 'user-1' }

/** Every answer that a page may want to read, by what it sends and what its status is. */
const WAYS: Record<string, Sent & { status: number }> = {
  'a plain request': { headers: { 'content-type': JSON_TYPE }, body: QUERY, status: 200 },
  'a request for Yoga': { headers: { 'content-type': 'application/graphql+json' }, body: QUERY, status: 200 },
  'a query by GET': { method: 'GET', path: '/graphql?query=%7B__typename%7D', status: 200 },
  'server-sent events': {
    headers: { 'content-type': JSON_TYPE, accept: 'text/event-stream' },
    body: STREAM,
    status: 200,
  },
  'an invalid query': { headers: { 'content-type': JSON_TYPE }, body: '{"query":"{ nothing }"}', status: 200 },
  'what is no JSON': { headers: { 'content-type': 'text/plain' }, body: 'hello', status: 415 },
  health: { method: 'GET', path: '/health', status: 200 },
  'another path': { method: 'GET', path: '/nothing', status: 404 },
}

describe.each([
  ['without authentication', {}, { host: 'localhost:4000' }],
  ['with authentication', { access: { serviceKeys } }, { host: 'api.example.org', ...PROVEN }],
] as const)('%s', (_, options: TestServerOptions, own) => {
  const start = () => startTestServer(undefined, { ...options, server: { corsOrigins: ORIGINS } })

  test.each(Object.entries(WAYS))('the answer to %s may be read by the pages that are named', async (_name, way) => {
    const { origin } = await start()
    const { status, ...sent } = way
    for (const page of ORIGINS) {
      const answer = await exchange(origin, { ...sent, headers: { ...own, ...sent.headers, origin: page } })
      const { vary, 'access-control-allow-origin': allowed } = answer.headers
      expect([answer.status, allowed, vary]).toEqual([status, page, expect.stringContaining('Origin')])
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    }
    for (const page of FOREIGN) {
      const answer = await exchange(origin, { ...sent, headers: { ...own, ...sent.headers, origin: page } })
      expect([page, answer.status]).toEqual([page, 403])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
    const ofNobody = await exchange(origin, { ...sent, headers: { ...own, ...sent.headers } })
    expect(ofNobody.headers).toMatchObject({ vary: expect.stringContaining('Origin') })
    expect(ofNobody.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('a preflight is answered without proof, for the pages that are named', async () => {
    const { origin } = await start()
    const asked = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-backscroll-owner',
    }
    const preflight = (page: string) =>
      exchange(origin, { method: 'OPTIONS', headers: { host: own.host, origin: page, ...asked } })
    expect(await preflight(PAGE)).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': PAGE,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': asked['access-control-request-headers'],
        'access-control-max-age': '7200',
        vary: 'Origin',
      },
    })
    for (const page of FOREIGN) expect([page, (await preflight(page)).status]).toEqual([page, 403])
  })

  test('a WebSocket opens for the pages that are named', async () => {
    const { origin } = await start()
    const open = async (page: string) => {
      const url = `${origin.replace('http', 'ws')}/graphql`
      const socket = new WebSocket(url, 'graphql-transport-ws', { origin: page, headers: { host: own.host } })
      const opened = await once(socket, 'open').then(() => 101, String)
      socket.terminate()
      return opened
    }
    for (const page of ORIGINS) expect(await open(page)).toBe(101)
    for (const page of FOREIGN) expect(await open(page)).toContain('403')
  })
})

test('with authentication every host is answered that can be one, and only pages of that host', async () => {
  const { origin } = await startTestServer(undefined, { access: { serviceKeys } })
  const ask = async (host: string, page?: string) => {
    const headers = { ...PROVEN, host, 'content-type': JSON_TYPE, ...(page && { origin: page }) }
    return (await exchange(origin, { headers, body: QUERY })).status
  }
  expect(await ask('api.example.org')).toBe(200)
  expect(await ask('192.168.0.1:4000')).toBe(200)
  expect(await ask('api.example.org', 'https://api.example.org')).toBe(200)
  expect(await ask('api.example.org', 'https://evil.example')).toBe(403)
  expect(await ask('a b')).toBe(400)
})
