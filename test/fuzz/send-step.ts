import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import WebSocket from 'ws'
import { edited, type RequestStep, type SocketStep, type Step } from './arbitrary-step.ts'
import { type PrintedOperation, printOperation, type Words } from './print-operation.ts'

/** What was sent and what came of it. */
export interface Exchange {
  /** For people: the request, or the frames, as they were sent. */
  sent: string
  received: string
  /** HTTP's, 101 for a socket that was opened, 0 for no answer. */
  status: number
  contentType: string
  /** A WebSocket's, when the server closed it. */
  closeCode: number | undefined
  /** The client went before the end. */
  hasLeft: boolean
  /** Neither an end nor the client's leaving within a long time. */
  isHanging: boolean
}

/** How long a stream is listened to. */
const STREAM_MS = 250
const HANGING_MS = 30_000
const SETTLE_MS = 400
/** Longer heads than 16 KB are Node's to refuse. */
const MAX_PATH_CHARS = 14_000
const MAX_KEPT_CHARS = 2_000_000

/** Does what a step says; never rejects for what the server does. */
export function sendStep(origin: string, step: Step, words: Words): Promise<Exchange> {
  return step.way === 'socket' ? sendFrames(origin, step, words) : sendRequest(origin, step, words)
}

async function sendRequest(origin: string, step: RequestStep, words: Words): Promise<Exchange> {
  const printed = printOperation(step.operation, words)
  const whole = inPath(step, printed)
  const isGet = step.way === 'get' && whole.path.length < MAX_PATH_CHARS
  const { path, body } = isGet ? whole : { path: step.path, body: inBody(step, printed) }
  const method = step.method ?? (isGet ? 'GET' : 'POST')
  const headers: Record<string, string> = {
    ...(body !== '' && { 'content-type': 'application/json' }),
    ...(step.accept !== undefined && { accept: step.accept }),
    ...(step.pieces === 1 && { 'content-length': String(Buffer.byteLength(body)) }),
    ...Object.fromEntries(step.headers),
  }
  const sent = `${method} ${path}\n${JSON.stringify(headers)}\n${body}`
  const sending = request(origin, { method, path: encodedPath(path), headers, agent: false })
  return receive(sending, sent, Buffer.from(body), step)
}

function receive(sending: ClientRequest, sent: string, body: Buffer, step: RequestStep): Promise<Exchange> {
  const exchange: Exchange = { ...NOTHING, sent }
  return new Promise((resolve) => {
    const leave = (isHanging: boolean) => {
      Object.assign(exchange, { hasLeft: !isHanging, isHanging })
      sending.destroy()
    }
    const hanging = setTimeout(leave, HANGING_MS, true)
    const leaving = step.leaveAfterMs === undefined ? undefined : setTimeout(leave, step.leaveAfterMs, false)
    const settle = () => {
      for (const timer of [hanging, leaving]) clearTimeout(timer)
      resolve(exchange)
    }
    sending.on('response', (response) => {
      exchange.status = response.statusCode ?? 0
      exchange.contentType = response.headers['content-type'] ?? ''
      if (exchange.contentType.startsWith('text/event-stream')) setTimeout(leave, STREAM_MS, false)
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        if (exchange.received.length < MAX_KEPT_CHARS) exchange.received += text
      })
      response.on('error', () => {})
      response.once('close', () => {
        if (!response.complete && !exchange.hasLeft) exchange.status = 0
        settle()
      })
    })
    sending.on('error', settle)
    const size = Math.ceil(body.length / step.pieces) || 1
    for (let at = 0; at < body.length; at += size) sending.write(body.subarray(at, at + size))
    sending.end()
  })
}

const NOTHING: Exchange = {
  sent: '',
  received: '',
  status: 0,
  contentType: '',
  closeCode: undefined,
  hasLeft: false,
  isHanging: false,
}

function inBody({ edits, editsDocument }: RequestStep, printed: PrintedOperation): string {
  if (!editsDocument) return edited(JSON.stringify(printed), edits)
  return JSON.stringify({ ...printed, query: edited(printed.query, edits) })
}

/** Only the parameters are broken: what is no target at all never leaves a client. */
function inPath({ path, edits, editsDocument }: RequestStep, { query, variables, operationName }: PrintedOperation) {
  const texts = {
    query: edited(query, editsDocument ? edits : []),
    variables: JSON.stringify(variables),
    operationName,
  }
  if (!editsDocument) texts.variables = edited(texts.variables, edits)
  const search = Object.entries(texts).map(([name, text]) => `${name}=${encodeURIComponent(text.toWellFormed())}`)
  return { path: `${path}${path.includes('?') ? '&' : '?'}${search.join('&')}`, body: '' }
}

function encodedPath(path: string): string {
  return path.replaceAll(/[^\u0021-\u007e]/g, '')
}

async function sendFrames(origin: string, step: SocketStep, words: Words): Promise<Exchange> {
  const { operations, frames, edits, editsDocument, completesFirst, leaveAfterMs } = step
  const exchange: Exchange = { ...NOTHING }
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  socket.on('error', () => {})
  socket.on('message', (data) => {
    if (exchange.received.length < MAX_KEPT_CHARS) exchange.received += `${String(data)}\n`
  })
  const closed = once(socket, 'close').then(([code]) => {
    if (!exchange.hasLeft) exchange.closeCode = code as number
  })
  const isOpen = await Promise.race([once(socket, 'open').then(() => true), closed.then(() => false)]).catch(
    () => false,
  )
  if (!isOpen) return exchange
  exchange.status = 101
  const acknowledged = once(socket, 'message')
  const send = (text: string, isBinary = false) => {
    exchange.sent += `${text}\n`
    if (socket.readyState === WebSocket.OPEN) socket.send(isBinary ? Buffer.from(text) : text)
  }
  send('{"type":"connection_init"}')
  await Promise.race([acknowledged, closed]).catch(() => {})
  for (const [index, operation] of operations.entries()) {
    for (const { before, text, isBinary } of frames) if (before === index) send(text, isBinary)
    const printed = printOperation(operation, words)
    const payload = editsDocument ? { ...printed, query: edited(printed.query, edits) } : printed
    const frame = JSON.stringify({ id: String(index), type: 'subscribe', payload })
    send(editsDocument ? frame : edited(frame, edits))
    if (completesFirst && index === 0) send('{"id":"0","type":"complete"}')
  }
  await untilQuiet(socket, exchange, operations.length, leaveAfterMs)
  exchange.hasLeft = true
  if (leaveAfterMs === undefined) socket.close()
  else socket.terminate()
  await closed
  return exchange
}

/** Until every operation is answered, the socket is closed, or streams have been listened to for a while. */
async function untilQuiet(socket: WebSocket, exchange: Exchange, count: number, leaveAfterMs?: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, leaveAfterMs ?? SETTLE_MS)
    socket.once('close', () => resolve())
    socket.on('message', () => {
      const ends = exchange.received.match(/"type":"(?:complete|error)"/g) ?? []
      if (ends.length >= count) resolve()
    })
  })
}
