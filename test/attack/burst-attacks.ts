import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type WebSocket from 'ws'
import { type Attack, judge, type Outcome, type Target } from './attacks.ts'
import { append, createConversation, createHeavyConversation, message } from './conversations.ts'
import {
  exchangeRaw,
  type openConnection,
  openWebSocket,
  post,
  requestText,
  sendFrames,
  times,
  wordsOf,
} from './requests.ts'

const GROUP = 'bursts'
const MB = 1_000_000
const AFTER_DELETION_MS = 5_000
/** What another client's write may wait for those that count long texts. */
const FAIR_MS = 1_000
const EVENTS =
  'subscription($id:ID!){conversationEvents(conversationId:$id){cursor ... on MessageAppended{message{id}}}}'

/** Much at once, each bit of it within every limit. */
export const BURST_ATTACKS: readonly Attack[] = [
  {
    name: 'frames-in-one-write',
    group: GROUP,
    prepare: async (target) => () => burstOfFrames(target, 1_000),
  },
  {
    name: 'frames-of-4-mb',
    group: GROUP,
    async prepare(target) {
      const conversationId = await createConversation(target)
      const messages = times(4, () => message(wordsOf(MB - 1_000)))
      const payload = JSON.stringify({ query: APPEND, variables: { input: { conversationId, messages } } })
      return () => framesOnManySockets(target, payload)
    },
  },
  {
    name: 'pipelined-requests',
    group: GROUP,
    prepare:
      async ({ port }) =>
      async () => {
        const body = JSON.stringify({ query: '{ __typename }', extensions: { a: 'x'.repeat(2_700) } })
        const request = requestText('POST /graphql', ['Host: 127.0.0.1', 'Content-Type: application/json'], body)
        const { text } = await exchangeRaw(port, request.repeat(500))
        const count = text.split('HTTP/1.1 200').length - 1
        return { text: `${count} of 500 answers`, isGood: count === 500 }
      },
  },
  {
    name: 'long-counts',
    group: GROUP,
    async prepare(target) {
      const other = await createConversation(target, 'another')
      const bodies: string[] = []
      for (let index = 0; index < 10; index++) {
        const conversationId = await createConversation(target)
        const messages = times(3, () => message(hanOf(330_000)))
        bodies.push(JSON.stringify({ query: APPEND, variables: { input: { conversationId, messages } } }))
      }
      return () => beside(target, other, bodies)
    },
  },
  {
    name: 'subscriptions-of-one-conversation',
    group: GROUP,
    async prepare(target) {
      const id = await createConversation(target)
      return async () => {
        const { socket, received } = await subscribe(target, id, 1_000)
        await append(
          target,
          id,
          times(1_000, (index) => message(`message ${index}`)),
        )
        return delivered(socket, received, () => 1_000 * (1_000 - received.refused))
      }
    },
  },
  {
    name: 'ten-thousand-subscriptions',
    group: GROUP,
    async prepare(target) {
      const id = await createConversation(target)
      return async () => {
        const { socket, received } = await subscribe(target, id, 10_000)
        await append(target, id, [message('one')])
        return delivered(socket, received, () => 10_000 - received.refused)
      }
    },
  },
  {
    name: 'five-seconds-from-a-deletion-of-100-mb',
    group: GROUP,
    async prepare(target) {
      const id = await createHeavyConversation(target, 100, wordsOf(MB))
      return async () => {
        const query = `mutation{deleteConversation(id:"${id}"){__typename}}`
        const outcome = judge(await post(target.origin, { query }))
        // The messages go after the answer, and nothing tells a client when they are gone.
        await delay(AFTER_DELETION_MS)
        return outcome
      }
    },
  },
]

const APPEND = 'mutation($input:AppendMessagesInput!){appendMessages(input:$input){__typename ... on Error{detail}}}'

async function burstOfFrames(target: Target, count: number): Promise<Outcome> {
  const socket = await openWebSocket(target.port)
  target.onEnd(() => socket.terminate())
  const { promise: done, resolve } = Promise.withResolvers<string>()
  let completed = 0
  socket.on('message', (data) => {
    if (String(data).includes('"complete"') && ++completed === count) resolve('')
  })
  socket.once('close', (code) => resolve(`, closed with ${code}`))
  // The client's library writes each frame by itself: corked they leave as one.
  const { _socket: connection } = socket as unknown as { _socket: Awaited<ReturnType<typeof openConnection>> }
  connection.cork()
  for (let id = 0; id < count; id++) socket.send(`{"id":"${id}","type":"subscribe","payload":{"query":"{__typename}"}}`)
  connection.uncork()
  const closing = await done
  return { text: `${completed} of ${count} answers${closing}`, isGood: completed === count || closing !== '' }
}

/** Ten sockets send ten large operations each, at once; somebody else must be answered meanwhile and then. */
async function framesOnManySockets(target: Target, payload: string): Promise<Outcome> {
  const sockets = await Promise.all(times(10, () => openWebSocket(target.port)))
  for (const socket of sockets) target.onEnd(() => socket.terminate())
  const sending = sockets.map((socket) =>
    sendFrames(socket, 10, (id) => `{"id":"${id}","type":"subscribe","payload":${payload}}`),
  )
  // A server that stops reading is right, and then sending takes long.
  await Promise.race([Promise.all(sending), delay(15_000, undefined, { ref: false })])
  return judge(await post(target.origin, { query: '{ __typename }' }))
}

/** Another client's append of middle length while the long ones are counted. */
async function beside(target: Target, other: string, bodies: readonly string[]): Promise<Outcome> {
  const sent: Promise<void>[] = []
  const answers = bodies.map((body) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    sent.push(promise)
    return post(target.origin, body, {}, resolve)
  })
  await Promise.all(sent)
  const begin = performance.now()
  await append(target, other, [message(hanOf(2_400))])
  const tookMs = performance.now() - begin
  const outcomes = (await Promise.all(answers)).map((answer) => judge(answer))
  const isGood = tookMs <= FAIR_MS && outcomes.every((outcome) => outcome.isGood)
  return { text: `another's append after ${Math.round(tookMs)} ms; ${outcomes[0]?.text}`, isGood }
}

/** All events that are due, or the server closes the socket, which it may. */
async function delivered(socket: WebSocket, received: Received, due: () => number): Promise<Outcome> {
  const closed = once(socket, 'close')
  while (received.events < due() && !received.isClosed) await Promise.race([once(socket, 'message'), closed])
  return { text: `${received.events} events, ${received.refused} refused`, isGood: true }
}

interface Received {
  events: number
  refused: number
  isClosed: boolean
}

async function subscribe(
  target: Target,
  id: string,
  count: number,
): Promise<{ socket: WebSocket; received: Received }> {
  const socket = await openWebSocket(target.port)
  target.onEnd(() => socket.terminate())
  const received: Received = { events: 0, refused: 0, isClosed: false }
  socket.on('message', (data) => {
    const text = String(data)
    if (/"type":"error"|"errors":/.test(text)) received.refused += 1
    else if (text.includes('"MessageAppended"') || text.includes('"message"')) received.events += 1
  })
  socket.once('close', () => {
    received.isClosed = true
  })
  const payload = JSON.stringify({ query: EVENTS, variables: { id } })
  for (let index = 0; index < count; index++) socket.send(`{"id":"${index}","type":"subscribe","payload":${payload}}`)
  // An operation after all of them: when it is answered, they are taken.
  const taken = new Promise<void>((resolve) => {
    socket.on('message', (data) => String(data).includes('"id":"last"') && resolve())
    socket.once('close', () => resolve())
  })
  socket.send('{"id":"last","type":"subscribe","payload":{"query":"{__typename}"}}')
  await taken
  return { socket, received }
}

/** Han letters in an order without a pattern, always the same: hard to count. */
function hanOf(letters: number): string {
  let state = 1
  const codes = times(letters, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return 0x4e00 + (Math.floor(state / 65_536) % 20_000)
  })
  let text = ''
  for (let at = 0; at < codes.length; at += 10_000) text += String.fromCharCode(...codes.slice(at, at + 10_000))
  return text
}
