import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import WebSocket from 'ws'

/** What came back, of long ones the beginning and the end. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  bytes: number
  /** The connection ended before the answer did. */
  isCut: boolean
}

export const JSON_HEADERS = { 'content-type': 'application/json' }

/** More than so much is not sent before the other side takes it. */
const MAX_WAITING_BYTES = 1_000_000
const SHOWN_BYTES = 65_536
const NO_ANSWER: Answer = { status: 0, headers: {}, text: '', bytes: 0, isCut: true }

/** Sends a body by POST and reads all of the answer; never rejects. `onSent` is called when all of the body is sent. */
export async function post(
  origin: string,
  body: unknown,
  headers: Record<string, string> = {},
  onSent: () => void = () => {},
): Promise<Answer> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const all = { ...JSON_HEADERS, 'content-length': String(bytes.length), ...headers }
  return new Promise((resolve) => {
    const sending = request(`${origin}/graphql`, { method: 'POST', agent: false, headers: all }, (response) => {
      let head = ''
      let tail = ''
      let size = 0
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        size += chunk.length
        if (head.length < SHOWN_BYTES) head += chunk
        else tail = (tail + chunk).slice(-SHOWN_BYTES)
      })
      response.once('close', () => {
        const { statusCode: status = 0, headers, complete } = response
        resolve({ status, headers, text: head + tail, bytes: size, isCut: !complete })
      })
      response.once('error', () => {})
    })
    sending.once('error', () => resolve(NO_ANSWER))
    sending.once('close', onSent)
    sending.end(bytes, onSent)
  })
}

/** A connection whose errors nobody needs. */
export async function openConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Writes bytes as they are and reads what comes until the other side closes or says nothing for a while. */
export async function exchangeRaw(port: number, bytes: string | Buffer, silenceMs = 1_000): Promise<Answer> {
  const socket = await openConnection(port)
  const chunks: Buffer[] = []
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.setTimeout(silenceMs, resolve)
    socket.once('close', () => resolve())
    socket.write(bytes)
  })
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)
  return { status, headers: {}, text, bytes: text.length, isCut: status === 0 }
}

/** A request as text, with a length when it has a body. */
export function requestText(line: string, headers: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  return `${[`${line} HTTP/1.1`, ...headers, ...length].join('\r\n')}\r\n\r\n${body}`
}

/** A connection by the graphql-transport-ws protocol that is taken, or only opened. */
export async function openWebSocket(port: number, { init = true } = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws')
  socket.on('error', () => {})
  await once(socket, 'open')
  if (!init) return socket
  const acknowledged = once(socket, 'message')
  socket.send('{"type":"connection_init"}')
  await acknowledged
  return socket
}

/** Sends frames as fast as the other side takes them; resolves when all are sent or the socket is closed. */
export async function sendFrames(socket: WebSocket, count: number, frame: (index: number) => string): Promise<void> {
  const closed = once(socket, 'close').catch(() => {})
  for (let index = 0; index < count && socket.readyState === WebSocket.OPEN; index++) {
    const sent = new Promise((resolve) => socket.send(frame(index), resolve))
    if (socket.bufferedAmount > MAX_WAITING_BYTES) await Promise.race([sent, closed])
  }
}

/** A number of things at once, each with its index. */
export function times<T>(count: number, work: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => work(index))
}

/** Words that are quick to count, some bytes of them. */
export function wordsOf(bytes: number): string {
  return 'word '.repeat(Math.ceil(bytes / 5)).slice(0, bytes)
}
