import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type ExecutionArgs, type ExecutionResult, type FormattedExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type Server, type SubscribePayload } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Access } from '../../access/access.ts'
import type { Caller } from '../../access/caller.ts'
import type { Log } from '../../log.ts'
import type { Following, OperationContext } from '../../schema/builder.ts'
import type { SharedBudget } from '../bounds/shared-budget.ts'
import type { Turns } from '../bounds/turns.ts'
import type { Asked, Enveloped, GraphqlHandler } from '../graphql-handler.ts'
import { parseError, publicErrors } from '../public-errors.ts'
import { credentialsOfInit } from '../receive/credentials.ts'
import { type Refusal, refusalOfUpgrade } from '../receive/early-answers.ts'
import { isSoonParsed } from '../receive/json-marks.ts'
import { createFollowing } from './following.ts'
import { dropSilent, type SilenceLimits } from './silent-sockets.ts'
import type { SocketFrames } from './socket-frames.ts'
import { type HandleMessage, takeInTurn } from './socket-inbox.ts'
import { createResultTexts, writeResults } from './socket-results.ts'

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export interface GraphqlSockets {
  accept(request: IncomingMessage, socket: Socket, head: Buffer): void
  /** Closes every socket with a close frame, and those that are still open at the deadline without. */
  close(deadlineMs: number): Promise<void>
}

/** What the sockets share with all other ways in. */
export interface GraphqlSocketDeps {
  handler: GraphqlHandler
  access: Access
  log: Log
  turns: Turns
  /** For messages that are not whole yet. */
  incoming: SharedBudget
  /** Answers a request that opens no WebSocket, and closes its connection. */
  refuse(socket: Socket, refusal: Refusal): void
}

/** Bounds of one socket. */
export interface GraphqlSocketLimits extends SilenceLimits {
  maxPayloadBytes: number
}

/** Operations of one socket at once. A gateway has those of all its users on one. */
const MAX_SOCKET_OPERATIONS = 1_000

/** As the library closes a socket on a frame of too many bytes. */
const TOO_LARGE = 1009
const GOING_AWAY = 1001
const TRY_AGAIN_LATER = 1013
const SOCKET_OPTIONS = {
  noServer: true,
  // Each message in a tick of its own.
  allowSynchronousEvents: false,
  // A closing handshake that takes longer has nobody at its other end.
  closeTimeout: 2_000,
  // Pieces of one message, as it was sent and as it came: many small ones cost more than they hold.
  maxFragments: 4_096,
  maxBufferedChunks: 16_384,
}

/** Where an operation's functions travel from `onSubscribe` to its execution. */
type Root = Pick<Enveloped, 'execute' | 'subscribe'>

/** What is known of a socket while one of its messages is begun. */
interface Connected {
  socket: WebSocket
  /** Once it is initialised. */
  caller?: Caller
  /** Messages that are not done: all operations, and what is answered at once. */
  open: number
  /** Of the message that is begun. */
  onBegun: () => void
  following: Following
  req: Pick<IncomingMessage, 'socket'>
  /** Of the queries that are executed, with whether their client waits for them: they end with that, or when it closes. */
  running: Map<AbortController, () => boolean>
}

/**
 * A frame larger than `maxPayloadBytes`, or one that takes long to parse, closes its socket. An error of one
 * operation is its answer, and leaves the socket's other operations alone.
 */
export function createGraphqlSockets(
  { handler, access, log, turns, incoming, refuse }: GraphqlSocketDeps,
  { maxPayloadBytes, ...limits }: GraphqlSocketLimits,
): GraphqlSockets {
  const options = { ...SOCKET_OPTIONS, maxPayload: maxPayloadBytes, handleProtocols }
  const sockets = new WebSocketServer(options)
  sockets.on('wsClientError', ({ message }, socket) => refuse(socket as Socket, refusalOfUpgrade(message)))
  const toText = createResultTexts(handler.large)
  const protocol = makeServer<Record<string, unknown>, Connected>({
    execute: (args) => (args.rootValue as Root).execute(args),
    subscribe: (args) => (args.rootValue as Root).subscribe(args),
    onNext: (_context, _id, _payload, _args, result) =>
      result.errors && ({ ...result, errors: publicErrors(result.errors) } as FormattedExecutionResult),
    onError: (_context, _id, _payload, errors) => publicErrors(errors),
    onConnect: ({ connectionParams, extra }) => admit(access, extra, connectionParams),
    onSubscribe(context, id, payload) {
      const { socket, caller, open, onBegun, following, req, running } = context.extra
      if (caller === undefined) throw new Error('An operation came before its caller was known.')
      if (open > MAX_SOCKET_OPERATIONS) return [tooManyOperations()]
      const write = (results: AsyncGenerator<ExecutionResult>) => writeResults(socket, id, results, toText, turns)
      const asked = { caller, params: payload, following, req }
      const isWanted = () => Object.hasOwn(context.subscriptions, id)
      return prepare(handler, asked, { running, isWanted, onSubscribed: onBegun, write })
    },
  })
  return { accept, close }

  function accept(request: IncomingMessage, raw: Socket, head: Buffer): void {
    sockets.handleUpgrade(request, raw, head, (client) => {
      const frames = dropSilent({ client, raw }, { incoming, turns }, limits, log)
      serve(protocol, { client, raw, turns, frames }, log)
    })
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

/**
 * Clients come back after 4403, with a new token; after 4401, which answers credentials that never were any good, they
 * do not.
 */
async function admit(
  access: Access,
  connected: Connected,
  params: Readonly<Record<string, unknown>> | undefined,
): Promise<boolean> {
  const { socket } = connected
  const caller = await access.admit(credentialsOfInit(params))
  if (socket.readyState !== socket.OPEN) return false
  if ('status' in caller) {
    socket.close(caller.status === 401 ? CloseCode.Unauthorized : TRY_AGAIN_LATER, caller.message)
    return false
  }
  connected.caller = caller
  // Before any of its streams is watched: it closes first, so none of them is said to be complete.
  const unwatch = access.watch(caller, () => socket.close(CloseCode.Forbidden, 'The token has expired.'))
  socket.once('close', unwatch)
  return true
}

/** The library's own adapter prints each fault to the console, one for every frame that waited; here a socket has one entry. */
function serve(
  protocol: Server<Connected>,
  { client, raw, turns, frames }: { client: WebSocket; raw: Socket; turns: Turns; frames: SocketFrames },
  log: Log,
): void {
  const connected: Connected = {
    socket: client,
    open: 0,
    onBegun: () => {},
    following: createFollowing(),
    req: { socket: raw },
    running: new Map(),
  }
  let isFaulty = false
  const closed = protocol.opened(
    {
      protocol: client.protocol,
      send: (text) => send(client, text),
      close: (code, reason) => client.close(code, reason),
      onMessage: (receive) => takeInTurn({ client, raw, turns }, handleBy(receive), frames.end),
    },
    connected,
  )
  client.on('error', fail)
  client.once('close', (code, reason) => {
    for (const controller of connected.running.keys()) controller.abort()
    Promise.resolve(closed(code, String(reason))).catch(fail)
  })

  /** The message itself is not kept for as long as a subscription lasts. */
  function handleBy(receive: (text: string) => Promise<void>): HandleMessage {
    return (data, onBegun) => {
      connected.onBegun = onBegun
      if (isFaulty || client.readyState !== client.OPEN) return Promise.resolve()
      if (isSoonParsed(data)) return handle(receive, String(data))
      client.close(TOO_LARGE, 'Too many values')
      return Promise.resolve()
    }
  }

  async function handle(receive: (text: string) => Promise<void>, text: string): Promise<void> {
    connected.open += 1
    try {
      const received = receive(text)
      // It may have been the `complete` of a query: the library forgets that, and waits for its result.
      for (const [controller, isWanted] of connected.running) if (!isWanted()) controller.abort()
      await received
    } catch (error) {
      fail(error)
    } finally {
      connected.open -= 1
    }
  }

  /** A client that breaks the protocol or goes while it is written to is nothing for the operator. */
  function fail(error: unknown): void {
    if (isFaulty) return
    isFaulty = true
    log.debug({ err: error }, 'socket failed')
    if (isUnexpected(error)) client.close(CloseCode.BadRequest, 'Unexpected message')
    else client.close(CloseCode.InternalServerError, 'Internal server error')
  }
}

/** The library throws for messages that only servers send. */
function isUnexpected(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message of type')
}

function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(text, (error) => (error ? reject(error) : resolve()))
  })
}

function tooManyOperations(): GraphQLError {
  const message = `A WebSocket has at most ${MAX_SOCKET_OPERATIONS} operations at once: end others first.`
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } })
}

async function* only(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result
}

function parseOf<Document>(parse: () => Document): Document {
  try {
    return parse()
  } catch (error) {
    throw parseError(error)
  }
}

/** Errors are the operation's answer: thrown, they would close the socket under all others. */
async function prepare(
  { envelop, subscribe: subscribeByPlan, maskError, large }: GraphqlHandler,
  asked: Asked & { params: SubscribePayload },
  {
    running,
    isWanted,
    onSubscribed,
    write,
  }: {
    running: Map<AbortController, () => boolean>
    isWanted: () => boolean
    onSubscribed: () => void
    write(results: AsyncGenerator<ExecutionResult>): AsyncGenerator<ExecutionResult>
  },
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  try {
    const { schema, execute, subscribe, contextFactory, parse, validate } = envelop(asked)
    const { params } = asked
    const document = parseOf(() => parse(params.query))
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
          const { controller } = args.contextValue as OperationContext
          running.set(controller, isWanted)
          try {
            const result = await execute(Object.assign(args, { abortSignal: controller.signal }))
            return large.textOf(result) === undefined ? result : write(only(result))
          } finally {
            running.delete(controller)
          }
        },
        async subscribe(args) {
          const result = await subscribeByPlan(args, subscribe)
          if (!isAsyncIterable(result)) return result
          // What comes on it from now on holds up no other message.
          onSubscribed()
          return write(result)
        },
      } satisfies Root,
    }
  } catch (error) {
    return [maskError(error)]
  }
}
