import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type Server, type SubscribePayload } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../log.ts'
import type { GraphqlHandler } from './graphql-handler.ts'
import { isSoonParsed } from './json-marks.ts'
import { memoizeLast } from './memoize-last.ts'
import { writeResults } from './socket-results.ts'

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export interface GraphqlSockets {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes every socket with a close frame, and those that are still open at the deadline without. */
  close(deadlineMs: number): Promise<void>
}

/** As the library closes a socket on a frame of too many bytes. */
const TOO_LARGE = 1009
const GOING_AWAY = 1001
/** Proxies close what is silent for a minute. */
const PING_EVERY_MS = 12_000

type Enveloped = ReturnType<GraphqlHandler['yoga']['getEnveloped']>
/** Where an operation's functions travel from `onSubscribe` to its execution. */
type Root = Pick<Enveloped, 'execute' | 'subscribe'>

/**
 * A frame larger than `maxPayloadBytes`, or one that takes long to parse, closes its socket. An error of one
 * operation is its answer, and leaves the socket's other operations alone.
 */
export function createGraphqlSockets(
  { handler, log }: { handler: GraphqlHandler; log: Log },
  maxPayloadBytes: number,
): GraphqlSockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxPayloadBytes, handleProtocols })
  const toText = memoizeLast(handler.large.toText)
  const protocol = makeServer<Record<string, unknown>, { socket: WebSocket }>({
    execute: (args) => (args.rootValue as Root).execute(args),
    subscribe: (args) => (args.rootValue as Root).subscribe(args),
    onSubscribe: ({ extra: { socket } }, id, payload) =>
      prepare(handler, payload, (results) => writeResults(socket, id, results, toText)),
  })
  return { accept, close }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    sockets.handleUpgrade(request, socket, head, (client) => serve(protocol, client, log))
  }

  async function close(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
    }, deadlineMs)
    for (const client of sockets.clients) client.close(GOING_AWAY, 'Going away')
    await new Promise((resolve) => sockets.close(resolve))
    clearTimeout(timer)
  }
}

/** The library's own adapter prints each fault to the console, one for every frame that waited; here a socket has one entry. */
function serve(protocol: Server<{ socket: WebSocket }>, socket: WebSocket, log: Log): void {
  let isFaulty = false
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (receive) => socket.on('message', (data: Buffer) => void handle(data, receive)),
    },
    { socket },
  )
  const ping = setInterval(() => beat(socket), PING_EVERY_MS)
  socket.on('error', fail)
  socket.once('close', (code, reason) => {
    clearInterval(ping)
    Promise.resolve(closed(code, String(reason))).catch(fail)
  })

  async function handle(data: Buffer, receive: (text: string) => Promise<void>): Promise<void> {
    if (isFaulty || socket.readyState !== socket.OPEN) return
    if (!isSoonParsed(data)) return socket.close(TOO_LARGE, 'Too many values')
    try {
      await receive(String(data))
    } catch (error) {
      fail(error)
    }
  }

  /** A client that breaks the protocol or goes while it is written to is nothing for the operator. */
  function fail(error: unknown): void {
    if (isFaulty) return
    isFaulty = true
    log.debug({ err: error }, 'socket failed')
    socket.close(CloseCode.InternalServerError, 'Internal server error')
  }
}

function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Whoever has not answered the ping before is gone. */
function beat(socket: WebSocket & { isSilent?: boolean }): void {
  if (socket.readyState !== socket.OPEN) return
  if (socket.isSilent) socket.terminate()
  socket.isSilent = true
  socket.once('pong', () => {
    socket.isSilent = false
  })
  if (socket.readyState === socket.OPEN) socket.ping()
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result
}

/** Errors are the operation's answer: thrown, they would close the socket under all others. */
async function prepare(
  { yoga, subscribe: subscribeByPlan, maskError, large }: GraphqlHandler,
  params: SubscribePayload,
  write: (results: AsyncGenerator<ExecutionResult>) => AsyncGenerator<ExecutionResult>,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  try {
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ params })
    const document = parse(params.query)
    const errors = validate(schema, document)
    if (errors.length > 0) return errors
    return {
      schema,
      document,
      operationName: params.operationName,
      variableValues: params.variables,
      contextValue: await contextFactory(),
      rootValue: {
        async execute(args) {
          const result = await execute(args)
          return large.has(result) ? write(only(result)) : result
        },
        async subscribe(args) {
          const result = await subscribeByPlan(args, subscribe)
          return isAsyncIterable(result) ? write(result) : result
        },
      } satisfies Root,
    }
  } catch (error) {
    return [maskError(error)]
  }
}
