import { randomUUID } from 'node:crypto'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import type { Access } from './access/access.ts'
import type { Chat } from './chat/chat.ts'
import { StartError } from './errors.ts'
import type { Log } from './log.ts'
import type { Memory } from './memory/memory.ts'
import { BOUNDS, type Bounds } from './transport/bounds/bounds.ts'
import { createConnections } from './transport/bounds/connections.ts'
import { createSharedBudget } from './transport/bounds/shared-budget.ts'
import { createTurns } from './transport/bounds/turns.ts'
import { cutUnreadAnswers } from './transport/bounds/unread-answers.ts'
import { createEventStreams } from './transport/event-streams.ts'
import { createGraphiqlPage } from './transport/graphiql-page.ts'
import { createGraphqlHandler } from './transport/graphql-handler.ts'
import { createPlainRequests } from './transport/plain-requests.ts'
import { credentialsOf } from './transport/receive/credentials.ts'
import { answer, askForBody, expectNoBody, type Refusal, refuse } from './transport/receive/early-answers.ts'
import { createForeignRequests, originForm } from './transport/receive/foreign-requests.ts'
import { isSoonParsed, MAX_JSON_MARKS } from './transport/receive/json-marks.ts'
import { refusalOfBody } from './transport/receive/json-request.ts'
import { createRawAnswers } from './transport/receive/raw-answers.ts'
import { createRequestBodies, type ReceivedBody, withBody } from './transport/receive/request-body.ts'
import { answerByYoga } from './transport/receive/yoga-requests.ts'
import { createGraphqlSockets } from './transport/sockets/graphql-sockets.ts'

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
  access: Access
  log: Log
}

/** Where it listens; port 0 takes any that is free. */
export interface ServerLimits {
  host: string
  port: number
  /** Of pages that may call beside those of the server's own origin. */
  corsOrigins: readonly string[]
  maxBodyBytes: number
  maxQueryCost: number
  maxAnswerBytes: number
  /** Streams and WebSockets that are silent for so long get a sign of life. */
  pingMs: number
  /** Else the schema is hidden, and GraphiQL, which asks for it, is not served. */
  introspection: boolean
  /** Else operations come by POST and WebSocket only. */
  getQueries: boolean
  bounds?: Partial<Bounds>
}

/** Streams end within a minute after the proof of who asked has expired. */
const END_EXPIRED_EVERY_MS = 5_000
const CLOSE_IDLE_EVERY_MS = 20
/** Longer than balancers keep idle connections (60 s, nginx 75 s): else they send a request into a closed one. */
const KEEP_ALIVE_MS = 90_000

const CLOSING: Refusal = { status: 503, code: 'SERVER_CLOSING', message: 'The server is closing.' }
const NOTHING_THERE: Refusal = { status: 404, code: 'NOT_FOUND', message: 'WebSockets are opened at /graphql.' }
/** It has a body, or comes behind a request that is not answered yet. */
const NO_UPGRADE: Refusal = { status: 400, code: 'BAD_REQUEST', message: 'This request cannot open a WebSocket.' }
const NOT_BY_GET: Refusal = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  message: 'Operations come by POST.',
  headers: { allow: 'POST' },
}
const UNKNOWN_EXPECTATION: Refusal = {
  status: 417,
  code: 'EXPECTATION_FAILED',
  message: 'Expect must be 100-continue.',
}
const UNEXPECTED: Refusal = { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' }

const HTTP_OPTIONS: ServerOptions = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  // Two hosts are one that nobody has, and not the first of them.
  joinDuplicateHeaders: true,
  // Told in JSON, as all that is wrong with it.
  requireHostHeader: false,
  // Java's client offers HTTP/2 with every request: what is not taken up is answered as if it had not been offered.
  shouldUpgradeCallback: ({ headers: { upgrade = '' } }) =>
    upgrade.split(',').some((name) => name.trim().toLowerCase() === 'websocket'),
}

/** A server that listens from `listen` on; no request reaches the stores but through memory and chat. */
export function createServer({ memory, chat, access, log }: ServerDeps, limits: ServerLimits): Server {
  const bounds = boundsOf(limits)
  const turns = createTurns()
  const shared = { turns, makeRoom: () => unread.makeRoom() }
  const handler = createGraphqlHandler({ memory, chat, access, log, ...shared }, limits)
  const incoming = createSharedBudget(bounds.maxIncomingBytes)
  const bodies = createRequestBodies(limits.maxBodyBytes, incoming, turns)
  const page = limits.introspection ? createGraphiqlPage(turns) : undefined
  const plain = createPlainRequests(handler)
  const events = createEventStreams(handler, turns, limits)
  const { maxBodyBytes: maxPayloadBytes, pingMs } = limits
  const socketLimits = { maxPayloadBytes, maxStalledMs: bounds.maxStalledMs, pingMs }
  const sockets = createGraphqlSockets(
    { handler, access, log, turns, incoming, refuse: (...of) => raw.refuse(...of) },
    socketLimits,
  )
  const foreign = createForeignRequests({ isProven: access.isProven, corsOrigins: limits.corsOrigins })
  const expiring = setInterval(access.endExpired, END_EXPIRED_EVERY_MS).unref()
  let isClosing = false
  let closing: Promise<void> | undefined

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = foreign.refusalOf(request)
    if (refusal !== undefined) return refuse(request, response, refusal)
    if (foreign.allow(request, response)) return
    request.url = originForm(request.url)
    const path = pathOf(request)
    if (path === '/graphql') return await serveGraphql(request, response)
    if (path === '/health') return answer(request, response, 200, { status: 'alive' })
    if (path === '/ready' && isClosing) return answer(request, response, 503, { status: 'closing' })
    if (path === '/ready') return answer(request, response, 200, { status: 'ready' })
    if (page && (path === '/' || path === '/graphql/') && isBrowser(request)) return redirect(response, '/graphql')
    answer(request, response, 404, { status: 'not found', detail: 'The API is at /graphql.' })
  }

  async function serveGraphql(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isClosing) return refuse(request, response.setHeader('connection', 'close'), CLOSING)
    // Node leaves the body of an answer to HEAD away by itself.
    if (request.method === 'HEAD') request.method = 'GET'
    if (await page?.answer(request, response)) return
    const caller = await access.admit(credentialsOf(request))
    if ('status' in caller) return refuse(request, response, caller)
    const refusal = refusalOfBody(request)
    if (refusal !== undefined) return refuse(request, response, refusal)
    if (request.method === 'GET' && !limits.getQueries) return refuse(request, response, NOT_BY_GET)
    const received = await receive(request, response)
    if ('status' in received) return refuse(request, response, received)
    if (await plain.answer({ request, caller }, received, response)) return
    if (await events.answer({ request, caller }, received, response)) return
    const whole = request.method === 'POST' ? withBody(request, received.body) : request
    await answerByYoga(handler, { request: whole, caller }, response)
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<ReceivedBody | Refusal> {
    askForBody(request, response, limits.maxBodyBytes)
    const body = await bodies.read(request, response)
    if (!Buffer.isBuffer(body)) return body
    await turns.next(body.length)
    if (!isSoonParsed(body)) {
      const limit = `have at most ${MAX_JSON_MARKS} commas, colons and opening brackets outside of strings`
      return { status: 413, code: 'PAYLOAD_TOO_LARGE', message: `The body must ${limit}.` }
    }
    return { body }
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    serve(request, response).catch((error: unknown) => {
      // A client that left while its body was read is no fault of ours.
      if (request.destroyed && !request.complete) return response.destroy()
      const errorId = randomUUID()
      log.error({ err: error, errorId }, 'request failed')
      if (response.headersSent) response.destroy()
      else refuse(request, response, { ...UNEXPECTED, errorId })
    })
  }

  async function close(deadlineMs: number): Promise<void> {
    isClosing = true
    clearInterval(expiring)
    const closed = closeHttp(http, deadlineMs)
    handler.streams.endAll()
    await Promise.all([sockets.close(deadlineMs), closed])
  }

  const http = createHttpServer({ ...HTTP_OPTIONS, ...timeoutsOf(bounds) }, (request, response) => {
    connections.serve(request, response, handle)
  })
  const connections = createConnections(http, bounds, log)
  const unread = cutUnreadAnswers(http, connections, bounds, log)
  const raw = createRawAnswers(http, connections.dueOn, log)
  http.on('checkContinue', (request, response) => {
    expectNoBody(response)
    connections.serve(request, response, handle)
  })
  http.on('checkExpectation', (request, response) => {
    connections.serve(request, response, () => refuse(request, response, UNKNOWN_EXPECTATION))
  })
  http.on('upgrade', (request, socket, head) => {
    if (!(socket instanceof Socket)) return void socket.destroy()
    const refusal = foreign.refusalOf(request)
    if (refusal !== undefined) return raw.refuse(socket, refusal)
    request.url = originForm(request.url)
    if (isClosing) return raw.refuse(socket, CLOSING)
    if (pathOf(request) !== '/graphql') return raw.refuse(socket, NOTHING_THERE)
    if (!connections.upgrade(socket)) return raw.refuse(socket, NO_UPGRADE)
    // One of those that were offered: the library takes none beside it.
    request.headers.upgrade = 'websocket'
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

/** Several of the largest bodies and answers have room. */
function boundsOf({ maxBodyBytes, maxAnswerBytes, bounds }: ServerLimits): Bounds {
  const maxIncomingBytes = Math.max(BOUNDS.maxIncomingBytes, 4 * maxBodyBytes)
  const maxUnreadBytes = Math.max(BOUNDS.maxUnreadBytes, 2 * maxAnswerBytes)
  return { ...BOUNDS, maxIncomingBytes, maxUnreadBytes, ...bounds }
}

function timeoutsOf({ maxHeadMs, maxRequestMs, requestCheckMs }: Bounds): ServerOptions {
  return { headersTimeout: maxHeadMs, requestTimeout: maxRequestMs, connectionsCheckingInterval: requestCheckMs }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

/** Whether somebody looks for a page, whom another address helps; a program is told that there is nothing. */
function isBrowser({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end()
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
