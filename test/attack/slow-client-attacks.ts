import { setTimeout as delay } from 'node:timers/promises'
import type { Attack, Outcome, Target } from './attacks.ts'
import { createHeavyConversation } from './conversations.ts'
import { openConnection, openWebSocket, post, requestText, sendFrames, times, wordsOf } from './requests.ts'

const GROUP = 'slow-clients'
const MB = 1_000_000
const BODY_BYTES = 4 * MB
/** How long those stay who neither send nor read on. */
const STAY_MS = 4_000
/** A server may stop reading what is sent to it. */
const MAX_SENDING_MS = 15_000

/** Clients that send in crumbs, stop short or never read. */
export const SLOW_CLIENT_ATTACKS: readonly Attack[] = [
  crumbs('body-in-crumbs-1-mb', 1, MB, true),
  crumbs('body-in-crumbs-3-mb', 1, 3 * MB, true),
  crumbs('bodies-in-crumbs-that-stay', 4, BODY_BYTES, false),
  neverRead('pages-never-read', 150, 1, () => requestText('GET /graphql', [HOST, 'Accept: text/html'])),
  neverRead('pages-pipelined-never-read', 50, 20, () => requestText('GET /graphql', [HOST, 'Accept: text/html'])),
  {
    name: 'answers-never-read',
    group: GROUP,
    async prepare(target) {
      const body = await largeAnswer(target, 12)
      const request = requestText('POST /graphql', [HOST, 'Content-Type: application/json'], body)
      return () => staying(target, 100, async () => (await openUnread(target)).write(request))
    },
  },
  {
    name: 'bodies-that-stop-short',
    group: GROUP,
    prepare: async (target) => () => {
      const head = requestText('POST /graphql', [
        HOST,
        'Content-Type: application/json',
        `Content-Length: ${BODY_BYTES}`,
      ])
      const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(BODY_BYTES - 1, ' ')])
      return staying(target, 200, async () => void writeAll(await openUnread(target), bytes))
    },
  },
  {
    name: 'frames-that-stop-short',
    group: GROUP,
    prepare: async (target) => () => staying(target, 200, () => sendHalfFrame(target)),
  },
  {
    name: 'large-pings-never-read',
    group: GROUP,
    prepare: async (target) => () =>
      unreadFrames(target, 100, `{"type":"ping","payload":{"a":"${'x'.repeat(BODY_BYTES - 100)}"}}`),
  },
  {
    name: 'small-pings-never-read',
    group: GROUP,
    prepare: async (target) => () => unreadFrames(target, 200_000, '{"type":"ping","payload":{"a":"0123456789"}}'),
  },
  {
    name: 'operations-never-read',
    group: GROUP,
    async prepare(target) {
      const payload = await largeAnswer(target, 1)
      return () => unreadFrames(target, 500, (id) => `{"id":"${id}","type":"subscribe","payload":${payload}}`)
    },
  },
]

const HOST = 'Host: 127.0.0.1'

/** Chunks of one byte: what is kept for each is many times the byte. */
function crumbs(name: string, count: number, bytes: number, ends: boolean): Attack {
  return {
    name,
    group: GROUP,
    prepare: async (target) => () => {
      const body = `{"query":"{ __typename }","extensions":{"a":"${'x'.repeat(bytes - 60)}"}}`
      const chunks = Buffer.from([...body].map((letter) => `1\r\n${letter}\r\n`).join(''))
      const head = requestText('POST /graphql', [HOST, 'Content-Type: application/json', 'Transfer-Encoding: chunked'])
      return staying(
        target,
        count,
        async () => {
          const socket = await openConnection(target.port)
          target.onEnd(() => socket.destroy())
          socket.resume()
          await writeAll(socket, Buffer.concat([Buffer.from(head), chunks, Buffer.from(ends ? '0\r\n\r\n' : '')]))
        },
        ends ? 500 : STAY_MS,
      )
    },
  }
}

function neverRead(name: string, count: number, pipelined: number, requestOf: () => string): Attack {
  return {
    name,
    group: GROUP,
    prepare: async (target) => () =>
      staying(target, count, async () => (await openUnread(target)).write(requestOf().repeat(pipelined))),
  }
}

async function openUnread(target: Target) {
  const socket = await openConnection(target.port)
  socket.pause()
  target.onEnd(() => socket.destroy())
  return socket
}

function writeAll(socket: Awaited<ReturnType<typeof openConnection>>, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.write(bytes, () => resolve())
  })
}

/** All do the same and stay for a while; somebody else must be answered meanwhile and then. */
async function staying(target: Target, count: number, work: () => unknown, stayMs = STAY_MS): Promise<Outcome> {
  await Promise.race([Promise.all(times(count, work)), delay(MAX_SENDING_MS)])
  await delay(stayMs)
  return answered(target)
}

async function answered({ origin }: Target): Promise<Outcome> {
  const { status, isCut } = await post(origin, { query: '{ __typename }' })
  return { text: isCut ? 'others cut' : `others ${status}`, isGood: status === 200 }
}

async function unreadFrames(target: Target, count: number, frame: string | ((id: number) => string)): Promise<Outcome> {
  const socket = await openWebSocket(target.port)
  target.onEnd(() => socket.terminate())
  socket.pause()
  const sending = sendFrames(socket, count, (id) => (typeof frame === 'string' ? frame : frame(id)))
  // A server that stops reading is right, and then sending has no end.
  await Promise.race([sending, delay(MAX_SENDING_MS)])
  await delay(STAY_MS)
  return answered(target)
}

/** A frame of 4 MB whose last byte does not come, before the connection's init. */
async function sendHalfFrame(target: Target): Promise<void> {
  const socket = await openConnection(target.port)
  target.onEnd(() => socket.destroy())
  socket.resume()
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  socket.write(requestText('GET /graphql', [HOST, ...upgrade, key, 'Sec-WebSocket-Protocol: graphql-transport-ws']))
  await new Promise<void>((resolve) => {
    socket.once('data', () => resolve())
    socket.once('close', () => resolve())
  })
  const head = Buffer.alloc(14)
  head.writeUInt8(0x81, 0)
  head.writeUInt8(0xff, 1)
  head.writeBigUInt64BE(BigInt(BODY_BYTES), 2)
  // The rest of the head is a mask of zeros, which leaves the payload as it is.
  void writeAll(socket, Buffer.concat([head, Buffer.alloc(BODY_BYTES - 1, ' ')]))
}

/** An operation whose answer has so many MB. */
async function largeAnswer(target: Target, megabytes: number): Promise<string> {
  const id = await createHeavyConversation(target, 1, wordsOf(MB))
  const fields = times(megabytes, (index) => `a${index}:content`).join(' ')
  return JSON.stringify({ query: `{conversation(id:"${id}"){messages(last:1){nodes{${fields}}}}}` })
}
