import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
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
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxPayloadBytes })
  // Before the library's listener, which parses whatever comes.
  sockets.on('connection', (client) => client.on('message', (data: Buffer) => closeUnlessSoonParsed(client, data)))
  const toText = memoizeLast((result: ExecutionResult) => JSON.stringify(result))
  const connections = useServer<Record<string, unknown>>(
    {
      execute: (args) => (args.rootValue as Root).execute(args),
      subscribe: (args) => (args.rootValue as Root).subscribe(args),
      onSubscribe: ({ extra: { socket } }, id, payload) =>
        prepare(handler, payload, (results) => writeResults(socket, id, results, toText)),
    },
    sockets,
  )
  // The library prints socket errors to the console; a broken frame of a client is nothing for the log.
  sockets.on('connection', (client) => {
    client.removeAllListeners('error').on('error', (error) => log.debug({ err: error }, 'socket failed'))
  })
  return { accept, close }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request))
  }

  async function close(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
    }, deadlineMs)
    await connections.dispose()
    clearTimeout(timer)
  }
}

/** The frame still goes to the listeners behind this one, so it is made blank. */
function closeUnlessSoonParsed(client: WebSocket, data: Buffer): void {
  if (isSoonParsed(data)) return
  client.close(TOO_LARGE, 'Too many values')
  data.fill(' ')
}

/** Errors are the operation's answer: thrown, they would close the socket under all others. */
async function prepare(
  { yoga, subscribe: subscribeByPlan, maskError }: GraphqlHandler,
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
        execute,
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
