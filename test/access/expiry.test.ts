import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { createTokens } from '../../src/access/tokens.ts'
import { TRANSPORTS, type Transport } from '../support/graphql-client.ts'
import { placeSent, type SentEvent } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'
import { SECRET, signBySecret } from '../support/token-issuer.ts'

const MINUTE_MS = 60_000
const NOW = Math.floor(Date.now() / 1_000)
const EVENTS =
  '__typename replyId cursor ... on ReplyDelta { offset text } ... on ReplyCompleted { message { content } }'
const SEND = `subscription ($onDisconnect: DisconnectPolicy!) {
  sendMessage(input: { externalId: "mine", content: "hi", clientMessageId: "q", onDisconnect: $onDisconnect }) { ${EVENTS} }
}`
const FOLLOW = `subscription ($id: ID!, $after: String!) { reply(id: $id, after: $after) { ${EVENTS} } }`
const WAYS = TRANSPORTS.flatMap((by) => (['CONTINUE', 'CANCEL'] as const).map((policy) => [by, policy] as const))

test.each(WAYS)(
  'by %s a token that expires ends its streams; the reply goes on, also with %s',
  async (by, onDisconnect) => {
    const model = createScriptedModel()
    const { server, clock } = await startWithClock(model)
    const first = connect(server, by, await signBySecret({ exp: NOW + 60 }))
    const events: SentEvent[] = []
    const ended = first.read(SEND, { onDisconnect }, events)
    const call = await model.nextCall()
    call.text('One')
    await expect.poll(() => placeSent(events)).toBe('One')
    clock.now += MINUTE_MS
    server.access.endExpired()
    call.text(' two')
    await expect.poll(() => placeSent(events)).toBe('One two')
    clock.now += MINUTE_MS
    server.access.endExpired()
    expect(await ended).toBe(by === 'SSE' ? 'complete' : 4403)
    call.text(' three')
    call.answer(' four')
    const last = events.at(-1)
    const second = connect(server, by, await signBySecret({ exp: NOW + 3_600 }))
    const rest: SentEvent[] = []
    await second.read(FOLLOW, { id: last?.replyId ?? '', after: last?.cursor ?? '' }, rest)
    expect(placeSent(rest, placeSent(events))).toBe('One two three four')
    expect(rest.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'One two three four' } })
    expect(call.signal.aborted).toBe(false)
  },
)

test('what was opened by others, and what has ended, is left alone', async () => {
  const model = createScriptedModel()
  const { server, clock } = await startWithClock(model)
  const long = connect(server, 'WebSocket', await signBySecret({ sub: 'user-2', exp: NOW + 3_600 }))
  const short = connect(server, 'WebSocket', await signBySecret({ exp: NOW + 1 }))
  const events: SentEvent[] = []
  const ended = long.read(SEND, { onDisconnect: 'CONTINUE' }, events)
  const call = await model.nextCall()
  await short.read('{ __typename }', {}, [])
  clock.now += 2 * MINUTE_MS
  server.access.endExpired()
  expect(await short.closed).toBe(4403)
  call.answer('still here')
  expect(await ended).toBe('complete')
  expect(events.at(-1)).toMatchObject({ message: { content: 'still here' } })
})

async function startWithClock(model: ReturnType<typeof createScriptedModel>) {
  const clock = { now: NOW * 1_000 }
  const now = () => clock.now
  const tokens = createTokens({ secret: SECRET }, { ownerClaim: 'sub' }, now)
  return { clock, server: await startTestServer(undefined, { model, access: { tokens, now } }) }
}

interface Connected {
  /** The code that a WebSocket is closed with. */
  closed: Promise<number>
  /** Keeps the events of a subscription; resolves to how it ended. */
  read(query: string, variables: Record<string, unknown>, events: SentEvent[]): Promise<string | number>
}

function connect({ origin }: TestServer, by: Transport, token: string): Connected {
  const { promise: closed, resolve } = Promise.withResolvers<number>()
  const authorization = `Bearer ${token}`
  const client =
    by === 'SSE'
      ? createSseClient({ url: `${origin}/graphql`, headers: { authorization }, retryAttempts: 0 })
      : createSocketClient({
          url: `${origin.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          lazy: false,
          onNonLazyError() {},
          connectionParams: { authorization },
          on: { closed: (event) => resolve((event as CloseEvent).code) },
        })
  onTestFinished(() => void client.dispose())

  async function read(query: string, variables: Record<string, unknown>, events: SentEvent[]) {
    try {
      for await (const { data } of client.iterate({ query, variables })) {
        for (const event of Object.values(data ?? {})) events.push(event as SentEvent)
      }
      return 'complete'
    } catch (error) {
      return (error as CloseEvent).code
    }
  }

  return { closed, read }
}
