import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { isAsyncIterable } from 'graphql-yoga'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../log.ts'
import type { GraphqlHandler } from './graphql-handler.ts'
import { isSoonParsed } from './json-limits.ts'
import { newestOnly } from './newest-only.ts'
import { writeResults } from './socket-results.ts'

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export interface GraphqlSockets {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Asks every client to go; those that stay longer than the deadline are cut off. */
  close(deadlineMs: number): Promise<void>
}

/** As the library closes a socket on a frame of too many bytes. */
const TOO_LARGE = 1009

type Enveloped = ReturnType<GraphqlHandler['yoga']['getEnveloped']>
/** Where an operation's functions travel from `onSubscribe` to its execution. */
type Root = Pick<Enveloped, 'execute' | 'subscribe'>

/** A larger frame than `maxPayloadBytes`, or one that is long to parse, closes its socket; a mistake in an operation is only its own answer. */
export function createGraphqlSockets(
  { handler, log }: { handler: GraphqlHandler; log: Log },
  maxPayloadBytes: number,
): GraphqlSockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxPayloadBytes })
  // Before the library's listener, which parses whatever comes.
  sockets.on('connection', (client) => client.on('message', (data: Buffer) => closeUnlessSoonParsed(client, data)))
  const toText = newestOnly((result: ExecutionResult) => JSON.stringify(result))
  const connections = useServer<Record<string, unknown>>(
    {
      execute: (args) => (args.rootValue as Root).execute(args),
      subscribe: (args) => (args.rootValue as Root).subscribe(args),
      onSubscribe: ({ extra: { socket } }, id, payload) =>
        prepare(handler, payload, (results) => writeResults(socket, id, results, toText)),
    },
    sockets,
  )
  // What a client does wrong is no error of ours, as which the library would print it.
  sockets.on('connection', (client) => {
    client.removeAllListeners('error').on('error', (error) => log.debug({ err: error }, 'socket failed'))
  })
  return {
    accept(request, socket, head) {
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request))
    },
    async close(deadlineMs) {
      const timer = setTimeout(() => {
        for (const client of sockets.clients) client.terminate()
      }, deadlineMs)
      await connections.dispose()
      clearTimeout(timer)
    },
  }
}

/** Nothing takes a frame away from the listeners that are still to be called, but it can be made blank. */
function closeUnlessSoonParsed(client: WebSocket, data: Buffer): void {
  if (isSoonParsed(data)) return
  client.close(TOO_LARGE, 'Too many values')
  data.fill(' ')
}

/** Whatever is wrong with one operation is its answer: thrown, it would close the socket under all others. */
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
