import { expect, onTestFinished, test, vi } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/test-server.ts'

/** Long enough to be written in turns; with what JSON escapes, and what UTF-8 takes several bytes for. */
const LONG = 'a "quote", a line\nand ü ☕ 😀 '.repeat(12_000)
const JSON_HEADERS = { 'content-type': 'application/json' }
const QUERY = 'query ($id: ID!) { conversation(id: $id) { messages(last: 1) { nodes { content } } } }'
const QUERY_WITH_ERROR =
  'query ($id: ID!) { conversation(id: $id) { messages { nodes { content } } } bad: conversation(id: $id) { messages(last: 1000) { nodes { id } } } }'
const FOLLOW =
  'subscription ($id: ID!) { conversationEvents(conversationId: $id) { ... on MessageAppended { message { content } } } }'

type Way = (server: TestServer, id: string, query?: string) => Promise<unknown>

const QUERY_WAYS: Record<string, Way> = {
  POST: ({ client }, id, query) => post(client.url, {}, id, query),
  "POST by Yoga's way": ({ client }, id, query) => post(client.url, { accept: 'application/json; q=1' }, id, query),
  GET: async ({ client }, id, query = QUERY) => {
    const search = new URLSearchParams({ query, variables: JSON.stringify({ id }) })
    return (await fetch(`${client.url}?${search}`, { headers: { accept: 'application/json' } })).json()
  },
  WebSocket: async ({ origin }, id, query = QUERY) => {
    const { send, next } = await openSocket(origin)
    send({ type: 'subscribe', id: '1', payload: { query, variables: { id } } })
    return (await next()).payload
  },
}

const EVENT_WAYS: Record<string, (server: TestServer, id: string, say: () => Promise<unknown>) => Promise<unknown>> = {
  'server-sent events': async ({ client }, id, say) => {
    const leaving = new AbortController()
    onTestFinished(() => leaving.abort())
    const headers = { ...JSON_HEADERS, accept: 'text/event-stream' }
    const body = JSON.stringify({ query: FOLLOW, variables: { id } })
    const response = await fetch(client.url, { method: 'POST', headers, body, signal: leaving.signal })
    await say()
    let text = ''
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString('latin1')
      const event = /data: (\{.*(?:"message"|"errors").*\})\n\n/.exec(text)?.[1]
      if (event !== undefined) return JSON.parse(Buffer.from(event, 'latin1').toString())
    }
    return text
  },
  WebSocket: async ({ origin }, id, say) => {
    const { send, next } = await openSocket(origin)
    send({ type: 'subscribe', id: '1', payload: { query: FOLLOW, variables: { id } } })
    // In the order of their coming: the answer says that the one before it has begun.
    send({ type: 'subscribe', id: '2', payload: { query: '{ __typename }' } })
    let frame = await next()
    while (frame.id !== '2' || frame.type !== 'complete') frame = await next()
    await say()
    return (await next()).payload
  },
}

test.each(Object.entries(QUERY_WAYS))('a large result comes whole: %s', async (_, ask) => {
  const { server, id } = await startWithMessage()
  expect(await ask(server, id)).toEqual({ data: { conversation: { messages: { nodes: [{ content: LONG }] } } } })
})

test.each(Object.entries(QUERY_WAYS))(
  'one with errors too comes whole, and is written in turns: %s',
  async (_, ask) => {
    const { server, id } = await startWithMessage()
    await sayLong(server, id)
    const nodes = [{ content: LONG }, { content: LONG }]
    const { stringify } = JSON
    const lengths: number[] = []
    const spy = vi.spyOn(JSON, 'stringify').mockImplementation((...args: Parameters<typeof stringify>) => {
      const text = stringify(...args)
      lengths.push(text.length)
      return text
    })
    const answer = await ask(server, id, QUERY_WITH_ERROR)
    spy.mockRestore()
    expect(answer).toMatchObject({
      data: { conversation: { messages: { nodes } }, bad: null },
      errors: [{ path: ['bad', 'messages'], extensions: { code: 'BAD_USER_INPUT' } }],
    })
    // Each text by itself.
    expect(Math.max(...lengths)).toBe(stringify(LONG).length)
  },
)

test.each(Object.entries(EVENT_WAYS))(
  'a large event comes whole, to each of its subscribers: %s',
  async (_, follow) => {
    const server = await startTestServer()
    const id = await startConversation(server.client)
    let open = 0
    let release = () => {}
    const all = new Promise<void>((resolve) => {
      release = resolve
    })
    const sayOnce = () => {
      open += 1
      if (open < 3) return all
      release()
      return sayLong(server, id)
    }
    const events = await Promise.all([1, 2, 3].map(() => follow(server, id, sayOnce)))
    expect(events).toEqual([1, 2, 3].map(() => ({ data: { conversationEvents: { message: { content: LONG } } } })))
  },
)

test.each(Object.entries(QUERY_WAYS))(
  'a result is refused that has too many bytes, if not too many characters: %s',
  async (_, ask) => {
    const { server, id } = await startWithMessage({ server: { maxAnswerBytes: LONG.length + 10_000 } })
    expect(await ask(server, id)).toMatchObject({ errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
    expect(server.log.entries).toEqual([])
  },
)

test.each(Object.entries(EVENT_WAYS))('and so is such an event: %s', async (_, follow) => {
  const server = await startTestServer(undefined, { server: { maxAnswerBytes: LONG.length + 10_000 } })
  const id = await startConversation(server.client)
  const event = await follow(server, id, () => sayLong(server, id))
  expect(event).toMatchObject({ errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
})

async function startWithMessage(options: TestServerOptions = {}): Promise<{ server: TestServer; id: string }> {
  const server = await startTestServer(undefined, options)
  const id = await startConversation(server.client)
  await sayLong(server, id)
  return { server, id }
}

async function post(url: string, headers: Record<string, string>, id: string, query = QUERY): Promise<unknown> {
  const body = JSON.stringify({ query, variables: { id } })
  return (await fetch(url, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body })).json()
}

function sayLong({ memory }: TestServer, id: string): Promise<unknown> {
  return memory.appendMessages('local', id, [{ role: 'USER', parts: [{ type: 'text', text: LONG }] }])
}
