import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Chat } from './chat/chat.ts'
import { StartError } from './errors.ts'
import type { Log } from './log.ts'
import type { Memory } from './memory/memory.ts'
import { createEventStreams } from './transport/event-streams.ts'
import { createGraphqlHandler } from './transport/graphql-handler.ts'
import { createGraphqlSockets } from './transport/graphql-sockets.ts'
import { isSoonParsed, MAX_JSON_MARKS } from './transport/json-marks.ts'
import { createPlainRequests } from './transport/plain-requests.ts'
import { readBody, withBody } from './transport/request-body.ts'

/** The server: GraphQL over HTTP, SSE and WebSocket at /graphql, /health and /ready. */
export interface Server {
  /** The address that it listens on, as `http://host:port`. */
  listen(): Promise<string>
  /** From here on new requests are refused and /ready says so; what is under way goes on. */
  refuse(): void
  /** Refuses new requests, ends all streams, closes all connections; cuts off what is left after the deadline. */
  close(deadlineMs: number): Promise<void>
}

/** What the server answers with. */
export interface ServerDeps {
  memory: Memory
  chat: Chat
  log: Log
}

/** Where it listens; port 0 takes any that is free. */
export interface ServerLimits {
  host: string
  port: number
  maxBodyBytes: number
}

/** The one owner while there is no authentication: the configuration lets only this machine connect. */
const LOCAL_OWNER = 'local'
const CLOSE_IDLE_EVERY_MS = 20
/** Longer than balancers keep idle connections (60 s, nginx 75 s): else they send a request into a closed one. */
const KEEP_ALIVE_MS = 90_000
/** Proxies close what is silent for a minute; Yoga pings as often. */
const PING_EVERY_MS = 12_000

/** A server that listens from `listen` on; no request reaches the stores but through memory and chat. */
export function createServer({ memory, chat, log }: ServerDeps, limits: ServerLimits): Server {
  const handler = createGraphqlHandler({ memory, chat, log, ownerOf: () => LOCAL_OWNER })
  const plain = createPlainRequests(handler)
  const events = createEventStreams(handler, { pingMs: PING_EVERY_MS })
  const sockets = createGraphqlSockets({ handler, log }, limits.maxBodyBytes)
  let isClosing = false
  let closing: Promise<void> | undefined

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request)
    if (path === '/health') return answer(response, 200, { status: 'alive' })
    if (path === '/ready') return answer(response, isClosing ? 503 : 200, { status: isClosing ? 'closing' : 'ready' })
    if ((path === '/' || path === '/graphql/') && isBrowser(request)) return redirect(response, '/graphql')
    if (path !== '/graphql') return answer(response, 404, { status: 'not found' })
    if (isClosing) return refuse(response, 503, 'SERVER_CLOSING', 'The server is closing.')
    if (request.method === 'POST' && !isJson(request)) {
      return refuse(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json.')
    }
    const body = await readBody(request, limits.maxBodyBytes)
    if (body === undefined) {
      return refuse(response, 413, 'PAYLOAD_TOO_LARGE', `The body must be at most ${limits.maxBodyBytes} bytes.`)
    }
    if (!isSoonParsed(body)) {
      const limit = `at most ${MAX_JSON_MARKS} commas, colons and opening brackets outside of strings`
      return refuse(response, 413, 'PAYLOAD_TOO_LARGE', `The body must have ${limit}.`)
    }
    if (await plain.answer(request, body, response)) return
    if (await events.answer(request, body, response)) return
    await handler.yoga(request.method === 'POST' ? withBody(request, body) : request, response)
  }

  async function close(deadlineMs: number): Promise<void> {
    isClosing = true
    const closed = closeHttp(http, deadlineMs)
    handler.streams.endAll()
    await Promise.all([sockets.close(deadlineMs), closed])
  }

  const http = createHttpServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // A client that left while its body was read is no fault of ours.
      if (request.complete) log.error({ err: error }, 'request failed')
      if (response.headersSent || !request.complete) response.destroy()
      else refuse(response, 500, 'INTERNAL_SERVER_ERROR', 'Unexpected error.')
    })
  })
  http.keepAliveTimeout = KEEP_ALIVE_MS
  // Node's must be the longer one of the two, or it closes a connection whose next request is on its way.
  http.headersTimeout = KEEP_ALIVE_MS + 5_000
  http.on('upgrade', (request, socket, head) => {
    if (isClosing) return refuseUpgrade(socket, '503 Service Unavailable')
    if (pathOf(request) !== '/graphql') return refuseUpgrade(socket, '404 Not Found')
    if (!isSameOrigin(request)) return refuseUpgrade(socket, '403 Forbidden')
    sockets.accept(request, socket, head)
  })

  function refuseNew(): void {
    isClosing = true
  }

  function closeOnce(deadlineMs: number): Promise<void> {
    closing ??= close(deadlineMs)
    return closing
  }

  return { listen: () => listen(http, limits), refuse: refuseNew, close: closeOnce }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

/** Forms and plain text can be sent from any page without a preflight; JSON cannot. */
function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '')
}

/** Whether somebody looks for a page, whom another address helps; a program is told that there is nothing. */
function isBrowser({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end()
}

/** Browsers let any page open a WebSocket anywhere, and say only whose page it is. */
function isSameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || URL.parse(origin)?.host === host
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(body)}\n`)
}

/** The connection goes with it: the rest of a body that is too large is not waited for. */
function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.setHeader('connection', 'close')
  answer(response, status, { errors: [{ message, extensions: { code } }] })
}

/** An upgraded socket has nobody else to take its errors, and one that nobody takes ends the process. */
function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

async function listen(http: HttpServer, { host, port }: ServerLimits): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => reject(listenFault(error, host, port)))
    http.listen(port, host, () => {
      http.removeAllListeners('error')
      resolve()
    })
  })
  const name = host.includes(':') ? `[${host}]` : host
  return `http://${name}:${(http.address() as AddressInfo).port}`
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new StartError(`PORT ${port} is in use on ${host}: another process listens there.`)
  if (error.code === 'EACCES')
    return new StartError(`PORT ${port} may not be opened by this user; take one above 1023.`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new StartError(`HOST ${host} is no address of this machine.`)
  }
  return error
}

/** A connection whose response ends while the server closes becomes idle only then: so idle ones are closed again and again. */
async function closeHttp(http: HttpServer, deadlineMs: number): Promise<void> {
  const idle = setInterval(() => http.closeIdleConnections(), CLOSE_IDLE_EVERY_MS)
  const deadline = setTimeout(() => http.closeAllConnections(), deadlineMs)
  await new Promise<void>((resolve) => {
    http.close(() => resolve())
  })
  clearInterval(idle)
  clearTimeout(deadline)
}
