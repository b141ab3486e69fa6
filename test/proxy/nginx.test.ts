import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { createGraphqlClient, type GraphqlClient, TRANSPORTS, type Transport } from '../support/graphql-client.ts'
import { exchange } from '../support/http-exchange.ts'
import { startNginx } from '../support/nginx-server.ts'
import { startOrSkip } from '../support/optional-program.ts'
import { openSocket } from '../support/raw-socket.ts'
import { placeSent, questionInput, type SentEvent, sendMessage } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer, type TestServerOptions } from '../support/test-server.ts'

type Site = (origin: string, port: number) => string

const DOCUMENTED = /```nginx\n([\s\S]*?)```/.exec(await readFile('docs/clients.md', 'utf8'))?.[1] ?? ''
const asDocumented: Site = (origin, port) =>
  DOCUMENTED.replace('127.0.0.1:4000', new URL(origin).host).replace('127.0.0.1:8080', `127.0.0.1:${port}`)
const STRICTEST = 'gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any; proxy_request_buffering off;'
const SITES = {
  'as it comes': (origin, port) => `server { listen 127.0.0.1:${port}; location / { proxy_pass ${origin}; } }`,
  'as it is documented': asDocumented,
  'that compresses everything and buffers no body': (...place) => `${STRICTEST}\n${asDocumented(...place)}`,
} satisfies Record<string, Site>
const NAMES = Object.keys(SITES) as (keyof typeof SITES)[]
const FURTHER = NAMES.filter((name) => name !== 'as it comes')
/** Sockets need what is documented. */
const WAYS = NAMES.flatMap((site) => TRANSPORTS.map((by) => [site, by] as const)).filter(
  ([site, by]) => by === 'SSE' || site !== 'as it comes',
)

const WORDS = ['One', ' zwei ☕', ' 👩‍🚀', ' four']
const HELLO = '{"query":"{ __typename }"}'
const JSON_TYPE = { 'content-type': 'application/json' }
/** More than the test's server takes, and less than nginx does. */
const TOO_LARGE = `{"query":"{ __typename }","extensions":{"x":"${'x'.repeat(2_500_000)}"}}`
const REQUESTS = 20_000
const CLIENTS = 8

test.for(WAYS)('through nginx %s each delta comes before the next is written, by %s', async ([site, by], context) => {
  const model = createScriptedModel()
  const { client, proxied } = await startBehind(context, site, { model })
  const { events, ended } = send(proxied, by, await startConversation(client))
  const call = await model.nextCall()
  for (const [index, word] of WORDS.entries()) {
    call.text(word)
    await expect.poll(() => placeSent(events)).toBe(WORDS.slice(0, index + 1).join(''))
  }
  call.answer('!')
  await ended
  expect(events.at(-1)).toMatchObject({ message: { content: `${WORDS.join('')}!` } })
})

test.for(WAYS)(
  'through nginx %s who leaves stops a reply that is to be stopped, by %s',
  async ([site, by], context) => {
    const model = createScriptedModel()
    const { client, proxied } = await startBehind(context, site, { model })
    const { ended, leave } = send(proxied, by, await startConversation(client), { onDisconnect: 'CANCEL' })
    const call = await model.nextCall()
    call.text('One')
    const stopped = once(call.signal, 'abort')
    leave()
    await stopped
    await ended
  },
)

test.for(WAYS)(
  'through nginx %s a server that stops breaks streams off, and does not complete them, by %s',
  async ([site, by], context) => {
    const model = createScriptedModel()
    const { client, proxied, server } = await startBehind(context, site, { model })
    const { events, ended } = send(proxied, by, await startConversation(client))
    const broken = expect(ended).rejects.toBeDefined()
    await model.nextCall()
    await expect.poll(() => events.length).toBeGreaterThan(0)
    await server.close(1_000)
    await broken
  },
)

test.for(FURTHER)(
  'through nginx %s a body that is too large is told so, and the next is answered',
  async (site, context) => {
    const { proxied } = await startBehind(context, site)
    const origin = proxied.url.replace('/graphql', '')
    const pieces = Array.from({ length: 5 }, (_, index) => TOO_LARGE.slice(index * 600_000, (index + 1) * 600_000))
    // nginx closes what it has an answer for before all of the body is there.
    const headers = { ...JSON_TYPE, connection: 'close' }
    for (const body of [TOO_LARGE, pieces]) {
      const refused = await exchange(origin, { headers, body })
      expect([refused.status, refused.body]).toEqual([413, expect.stringContaining('at most 2000000 bytes')])
      expect((await exchange(origin, { headers, body: HELLO })).status).toBe(200)
    }
    const fetched = await fetch(proxied.url, { method: 'POST', headers: JSON_TYPE, body: TOO_LARGE })
    expect([fetched.status, await fetched.text()]).toEqual([413, expect.stringContaining('PAYLOAD_TOO_LARGE')])
  },
)

test('nginx as it comes refuses a body above its own limit itself', async (context) => {
  const { proxied, origin } = await startBehind(context, 'as it comes')
  const refused = await exchange(proxied.url.replace('/graphql', ''), { headers: JSON_TYPE, body: TOO_LARGE })
  expect([refused.status, refused.body]).toEqual([413, expect.stringContaining('nginx')])
  expect((await exchange(origin, { headers: JSON_TYPE, body: TOO_LARGE })).body).toContain('PAYLOAD_TOO_LARGE')
})

test.for(FURTHER)(
  'through nginx %s a message that is too large closes its socket with a reason',
  async (site, context) => {
    const { proxied } = await startBehind(context, site)
    const { raw } = await openSocket(proxied.url.replace('/graphql', ''))
    const closed = once(raw, 'close')
    raw.send(TOO_LARGE)
    expect((await closed)[0]).toBe(1009)
  },
)

test(`through nginx ${REQUESTS} requests share a few connections, and none is lost`, async (context) => {
  const { proxied } = await startBehind(context, 'as it is documented')
  const connections = countConnections()
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  onTestFinished(() => agent.destroy())
  const counts: Record<string, number> = {}
  await Promise.all(Array.from({ length: CLIENTS }, () => sendMany(REQUESTS / CLIENTS)))
  expect(counts).toEqual({ 200: 0.9 * REQUESTS, 400: 0.05 * REQUESTS, 415: 0.05 * REQUESTS })
  // nginx itself takes another one after 1,000 requests.
  expect(connections.size).toBeLessThan((3 * REQUESTS) / 1_000)

  async function sendMany(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const isBroken = index % 20 === 0
      const type = index % 20 === 1 ? 'text/plain' : 'application/json'
      const headers = { 'content-type': type, accept: 'application/graphql-response+json' }
      const sending = request(proxied.url, { method: 'POST', agent, headers }).end(isBroken ? '{"query":"{"}' : HELLO)
      const [response] = (await once(sending, 'response')) as [IncomingMessage]
      await text(response)
      const status = response.statusCode ?? 0
      counts[status] = (counts[status] ?? 0) + 1
    }
  }
})

/** A server of ours, and nginx in front of it. */
async function startBehind(context: TestContext, site: keyof typeof SITES, options: TestServerOptions = {}) {
  const server = await startTestServer(undefined, options)
  const nginx = await startOrSkip(context, () => startNginx((port) => SITES[site](server.origin, port)))
  const proxied = createGraphqlClient(nginx.url)
  onTestFinished(async () => {
    await proxied.close()
    await nginx.stop()
  })
  return { ...server, proxied }
}

function send(client: GraphqlClient, by: Transport, conversationId: string, more = {}) {
  const stream = client.streamBy(by, sendMessage, { input: questionInput(conversationId, 'Go on', more) })
  const events: SentEvent[] = []
  const ended = read()
  return { events, ended, leave: () => void stream.return() }

  async function read(): Promise<void> {
    for await (const { data } of stream) events.push(data.sendMessage)
  }
}

/** Those over which requests come from now on. */
function countConnections(): ReadonlySet<unknown> {
  const sockets = new Set<unknown>()
  const add = (message: unknown) => sockets.add((message as { socket: unknown }).socket)
  diagnostics.subscribe('http.server.request.start', add)
  onTestFinished(() => void diagnostics.unsubscribe('http.server.request.start', add))
  return sockets
}
