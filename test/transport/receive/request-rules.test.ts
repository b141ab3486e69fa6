import { once } from 'node:events'
import { expect, test } from 'vitest'
import { createDemoModel } from '../../../src/chat/model/demo-model.ts'
import { exchange, type Received, type Sent } from '../../support/http-exchange.ts'
import { openSocket } from '../../support/raw-socket.ts'
import { startTestServer } from '../../support/test-server.ts'

const OTHER_METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']
const CONTENT_TYPES = [
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON;charset=UTF-8',
  'application/graphql+json',
  'application/graphql',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
]
const ACCEPTS = [
  undefined,
  '',
  '*/*',
  'application/json',
  'application/json; charset=latin1',
  'application/graphql-response+json, application/json',
  'application/*',
  'multipart/mixed',
  'text/event-stream',
  'text/event-stream, application/json',
  'text/*',
  'text/html',
  'image/png',
]

/** A mutation and a subscription, each of which leaves a conversation behind when it is executed. */
const MUTATION = 'mutation M { createConversation(input: { externalId: "@key" }) { __typename } }'
const SUBSCRIPTION =
  'subscription S { sendMessage(input: { externalId: "@key", clientMessageId: "1", content: "Hi" }) { __typename } }'
const QUERY = 'query Q { __typename }'

/** What is sent, for each kind of operation. */
const OPERATIONS: Record<string, object> = {
  query: { query: QUERY },
  mutation: { query: MUTATION },
  subscription: { query: SUBSCRIPTION },
  'a mutation of several': { query: `${QUERY} ${MUTATION} ${SUBSCRIPTION}`, operationName: 'M' },
  'a subscription of several': { query: `${QUERY} ${MUTATION} ${SUBSCRIPTION}`, operationName: 'S' },
  'no name of several': { query: `${MUTATION} ${SUBSCRIPTION}` },
  'an unknown name': { query: SUBSCRIPTION, operationName: 'X' },
  'a syntax error': { query: `${MUTATION} {` },
  'an invalid mutation': { query: MUTATION.replace('__typename', 'nothing') },
  'an invalid subscription': { query: SUBSCRIPTION.replace('__typename', 'nothing') },
  'a hash alone': { extensions: { persistedQuery: { version: 1, sha256Hash: 'ecf4' } } },
  'a hash with its mutation': { query: MUTATION, extensions: { persistedQuery: { version: 1, sha256Hash: 'ecf4' } } },
  'a batch': [{ query: MUTATION }, { query: SUBSCRIPTION }],
  'a batch of one': [{ query: MUTATION }],
}
const NEVER_ANSWERED = /no name|unknown|error|invalid|hash alone|batch/
const HAS_EFFECT = /mutation|subscription/

const KINDS = Object.entries(OPERATIONS)

test.each(KINDS)('POST: %s is answered, or refused without an effect', async (name, operation) => {
  const requests = CONTENT_TYPES.flatMap((type) => ACCEPTS.map((accept) => ({ method: 'POST', type, accept })))
  const outcomes = await sendAll(name, operation, requests)
  expect(outcomes.filter(({ fault }) => fault !== undefined).slice(0, 5)).toEqual([])
  const isRight = !NEVER_ANSWERED.test(name)
  expect(outcomes.some(({ isAnswered }) => isAnswered)).toBe(isRight)
  expect(outcomes.some(({ isAnswered }) => !isAnswered)).toBe(true)
})

test.each(KINDS)('by other methods: %s is answered, or refused without an effect', async (name, operation) => {
  const requests = OTHER_METHODS.flatMap((method) =>
    [undefined, 'application/json'].flatMap((type) => ACCEPTS.map((accept) => ({ method, type, accept }))),
  )
  const outcomes = await sendAll(name, operation, requests)
  expect(outcomes.filter(({ fault }) => fault !== undefined).slice(0, 5)).toEqual([])
  expect(outcomes.some(({ isAnswered, method }) => isAnswered && method !== 'GET')).toBe(false)
  if (HAS_EFFECT.test(name)) expect(outcomes.filter(({ isAnswered }) => isAnswered)).toEqual([])
})

test.each(KINDS)('WebSocket: %s is answered, or refused without an effect', async (name, operation) => {
  const { origin, memory } = await startTestServer(() => ({}), { model: createDemoModel({ delayMs: 0 }) })
  const { raw, send, next } = await openSocket(origin)
  const closed = once(raw, 'close').then(() => ({ type: 'closed' as const, payload: undefined }))
  send({ type: 'subscribe', id: '1', payload: JSON.parse(JSON.stringify(operation).replaceAll('@key', 'key')) })
  let frame = await Promise.race([next(), closed])
  const isAnswered = frame.type === 'next' && JSON.stringify(frame.payload).startsWith('{"data":{')
  while (frame.type === 'next') frame = await Promise.race([next(), closed])
  const hasEffect = (await memory.findConversationByExternalId('local', 'key')) !== undefined
  expect(hasEffect).toBe(isAnswered && HAS_EFFECT.test(name))
  expect(isAnswered).toBe(!NEVER_ANSWERED.test(name))
})

test('a refusal for what is accepted says what to accept', async () => {
  const { origin } = await startTestServer()
  const refused = async (query: string, accept: string) => {
    const sent = { headers: { 'content-type': 'application/json', accept }, body: JSON.stringify({ query }) }
    const { status, headers, body } = await exchange(origin, sent)
    expect([status, headers['content-type']]).toEqual([406, 'application/json; charset=utf-8'])
    return JSON.parse(body).errors[0].message
  }
  expect(await refused(SUBSCRIPTION, 'application/json')).toContain('`accept: text/event-stream`')
  expect(await refused(SUBSCRIPTION, 'text/html')).toContain('`accept: text/event-stream`')
  expect(await refused(MUTATION, 'text/html')).toContain('`accept: application/json`')
})

interface Request {
  method: string
  type: string | undefined
  accept: string | undefined
}

interface Outcome extends Request {
  isAnswered: boolean
  /** What the rule does not allow. */
  fault?: string
}

/** Sends one operation in many ways, and says of each whether it was answered and whether it had an effect. */
async function sendAll(name: string, operation: object, requests: Request[]): Promise<Outcome[]> {
  const { origin, memory } = await startTestServer(() => ({}), { model: createDemoModel({ delayMs: 0 }) })
  const outcomes: Outcome[] = []
  for (const [index, request] of requests.entries()) {
    const key = `key-${index}`
    const received = await exchange(origin, sentAs(request, operation, key))
    const hasEffect = (await memory.findConversationByExternalId('local', key)) !== undefined
    const isAnswered = isAnswer(received)
    const fault = faultOf(request, received, { isAnswered, hasEffect, isExpected: HAS_EFFECT.test(name) })
    outcomes.push({ ...request, isAnswered, ...(fault !== undefined && { fault }) })
  }
  return outcomes
}

function sentAs({ method, type, accept }: Request, operation: object, key: string): Sent {
  const json = JSON.stringify(operation).replaceAll('@key', key)
  const headers = { ...(type !== undefined && { 'content-type': type }), ...(accept !== undefined && { accept }) }
  if (method === 'POST' || method === 'PUT' || method === 'PATCH') return { method, headers, body: json }
  const parameters = Array.isArray(operation) ? { query: json } : JSON.parse(json)
  const texts = Object.entries(parameters).map(([field, value]) => [
    field,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return { method, headers, path: `/graphql?${new URLSearchParams(texts)}` }
}

function isAnswer({ status = 0, headers, body }: Received): boolean {
  return status === 200 && !isPage(headers) && body.includes('"data":{')
}

/** The page that browsers get by GET. It only shows the operation. */
function isPage(headers: Received['headers']): boolean {
  return headers['content-type']?.startsWith('text/html') === true
}

function faultOf(
  { method }: Request,
  received: Received,
  { isAnswered, hasEffect, isExpected }: { isAnswered: boolean; hasEffect: boolean; isExpected: boolean },
): string | undefined {
  const shown = `${received.status} ${received.body.slice(0, 200)}`
  if (isAnswered) return isExpected === hasEffect ? undefined : `answered, effect: ${hasEffect}: ${shown}`
  if (hasEffect) return `refused, with an effect: ${shown}`
  if (method === 'HEAD' || isPage(received.headers)) return undefined
  return refusalMessage(received.body) === undefined ? `refused without a reason: ${shown}` : undefined
}

/** The message of the first error, in JSON or in an event. */
function refusalMessage(body: string): string | undefined {
  const json = /\{"errors":.*\}/.exec(body)?.[0]
  const message: unknown = json && JSON.parse(json).errors[0].message
  return typeof message === 'string' && message !== '' ? message : undefined
}
