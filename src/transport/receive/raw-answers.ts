import type { Server as HttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../log.ts'
import { type Refusal, refuseUpgrade } from './early-answers.ts'

/** Answers where Node has none to write into: upgrades, CONNECT, and what is no request. */
export interface RawAnswers {
  /** Refuses, and closes the connection, once what came before on it is answered. */
  refuse(socket: Socket, refusal: Refusal): void
}

/** By what Node found; all else is 400. */
const REFUSALS: ReadonlyMap<string | undefined, Refusal> = new Map([
  ['HPE_HEADER_OVERFLOW', { status: 431, code: 'HEADERS_TOO_LARGE', message: 'The head must be at most 16384 bytes.' }],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { status: 413, code: 'PAYLOAD_TOO_LARGE', message: 'Chunks have too long names.' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, code: 'REQUEST_TIMEOUT', message: 'The request did not end in time.' }],
])
const BROKEN: Refusal = { status: 400, code: 'BAD_REQUEST', message: 'This is no HTTP request.' }
const NO_PROXY: Refusal = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  message: 'This is no proxy.',
  headers: { allow: 'GET, POST' },
}
/** What a client still sends is read and forgotten for so long: a connection closed before takes the answer with it. */
const LINGER_MS = 5_000

/**
 * By itself Node closes the connection of a CONNECT without an answer, and answers what is broken at once, so that a
 * client takes that for the answer to what it sent before. `dueOn` gives the last answer that is due on a connection.
 */
export function createRawAnswers(
  http: HttpServer,
  dueOn: (socket: Socket) => ServerResponse | undefined,
  log: Log,
): RawAnswers {
  const refused = new WeakSet<Socket>()

  http.on('connect', (_, socket: Socket) => refuseLast(socket, NO_PROXY))
  http.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (refused.has(socket)) return
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    // A client that leaves is no news.
    if (error.code !== 'HPE_INVALID_EOF_STATE') log.debug({ fault: error.code }, 'a request was broken')
    refuseLast(socket, REFUSALS.get(error.code) ?? BROKEN)
  })
  return { refuse: refuseLast }

  function refuseLast(socket: Socket, refusal: Refusal): void {
    refused.add(socket)
    const due = dueOn(socket)
    const close = () => {
      linger(socket)
      // It is the body of one that is answered already.
      if (due?.headersSent && !due.closed) socket.end()
      else refuseUpgrade(socket, refusal)
    }
    if (due === undefined) close()
    else if (due.req.complete) due.once('close', close)
    // What is broken is its own body: this is the answer to it.
    else if (due.socket === null) due.once('socket', close)
    else close()
  }
}

function linger(socket: Socket): void {
  const late = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(late))
  socket.resume()
}
