import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { readToEnd } from './unread-body.ts'

/** Why a request is not answered, before GraphQL has a say. */
export interface Refusal {
  status: number
  code: string
  message: string
  headers?: Readonly<Record<string, string>>
  /** Under which id a fault of ours is logged. */
  errorId?: string
}

/** RFC 6455, 4.4: the versions that are spoken here. */
const ANOTHER_VERSION = { status: 426, headers: { upgrade: 'websocket', 'sec-websocket-version': '13, 8' } }

/** Answers with JSON, whether the request's body is read or not: what is left of it is read then, see `readToEnd`. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Refusal['headers'] = {},
): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { ...headersOf(text), ...headers }).write(text)
  if (isWaiting(request, response)) response.end()
  else void readToEnd(request).then(() => response.end())
}

/** Answers with an error, in the form of GraphQL's. */
export function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  answer(request, response, refusal.status, errorsOf(refusal), refusal.headers)
}

/** Refuses a request to upgrade. Nobody else takes the errors of its socket, and one that nobody takes ends the process. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const { status, headers } = refusal
  const text = `${JSON.stringify(errorsOf(refusal))}\n`
  const lines = Object.entries({ connection: 'close', ...headersOf(text), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
}

/** Why no WebSocket is opened, by the words of its library, which would answer in HTML. */
export function refusalOfUpgrade(fault: string): Refusal {
  const message = `${fault}.`
  if (fault.includes('HTTP method')) {
    return { status: 405, code: 'METHOD_NOT_ALLOWED', message, headers: { allow: 'GET' } }
  }
  const code = 'BAD_REQUEST'
  if (fault.includes('Sec-WebSocket-Version')) return { ...ANOTHER_VERSION, code, message }
  return { status: 400, code, message }
}

/**
 * What a client that waits to be told to send its body (`Expect`) gets when it is refused instead: an answer and the
 * end of the connection, as it may send the body or not.
 */
export function expectNoBody(response: ServerResponse): void {
  response.setHeader('connection', 'close')
}

/** Tells such a client to go on, unless it says that the body is too large. */
export function askForBody(request: IncomingMessage, response: ServerResponse, maxBytes: number): void {
  if (!isWaiting(request, response) || Number(request.headers['content-length'] ?? 0) > maxBytes) return
  response.removeHeader('connection')
  response.writeContinue()
}

function isWaiting({ headers }: IncomingMessage, response: ServerResponse): boolean {
  return headers.expect !== undefined && response.getHeader('connection') === 'close'
}

function errorsOf({ code, message, errorId }: Refusal): object {
  return { errors: [{ message, extensions: { code, ...(errorId !== undefined && { errorId }) } }] }
}

function headersOf(text: string): Record<string, string> {
  return { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(text)) }
}
