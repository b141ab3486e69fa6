import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../log.ts'
import type { Bounds } from './bounds.ts'
import { type HeldConnection, holdBack } from './hold-back.ts'

/** The open connections of a server, WebSockets too. */
export interface Connections {
  /**
   * Has a request served when all those before it on its connection are answered and their answers have left: who
   * sends many and reads nothing makes work for one.
   */
  serve(request: IncomingMessage, response: ServerResponse, handler: Handler): void
  /** Whether a connection may become a WebSocket: no answer is due on it. From then on it is one that is used. */
  upgrade(socket: Socket): boolean
  /** The last of the answers that are due on it. */
  dueOn(socket: Socket): ServerResponse | undefined
  /** Whether a request is being answered, or it is a WebSocket. */
  isUsed(socket: Socket): boolean
  all(): Iterable<Socket>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

interface Connection {
  isUsed: boolean
  due?: ServerResponse | undefined
  /** What begins the requests behind the one that is served. */
  waiting: (() => void)[]
  held?: HeldConnection | undefined
}

const CROWDED = JSON.stringify({
  errors: [{ message: 'Too many connections are open; try again.', extensions: { code: 'RATE_LIMITED' } }],
})
const REFUSAL = `HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${CROWDED.length}\r\n\r\n${CROWDED}`

/** Where there are too many, the one that has not been used for longest makes room for a new one. */
export function createConnections(
  http: HttpServer,
  { maxConnections, maxPipelined }: Pick<Bounds, 'maxConnections' | 'maxPipelined'>,
  log: Log,
): Connections {
  const connections = new Map<Socket, Connection>()
  /** In the order in which they were used last. */
  const unused = new Set<Socket>()
  let pipelined = 0

  http.on('connection', (socket) => {
    if (connections.size >= maxConnections && !makeRoom()) return refuse(socket)
    connections.set(socket, { isUsed: false, waiting: [] })
    unused.add(socket)
    socket.once('close', () => forget(socket))
  })

  function makeRoom(): boolean {
    const [longest] = unused
    if (longest === undefined) return false
    forget(longest)
    longest.destroy()
    return true
  }

  function refuse(socket: Socket): void {
    log.debug({ maxConnections }, 'a connection was refused: too many are open')
    socket.write(REFUSAL)
    socket.destroySoon()
  }

  function forget(socket: Socket): void {
    pipelined -= connections.get(socket)?.waiting.length ?? 0
    connections.delete(socket)
    unused.delete(socket)
  }

  function serve(request: IncomingMessage, response: ServerResponse, handler: Handler): void {
    const { socket } = request
    const connection = connections.get(socket)
    // It was refused.
    if (connection === undefined) return
    connection.due = response
    const begin = () => {
      response.once('close', () => serveNext(socket, connection))
      handler(request, response)
    }
    if (connection.isUsed) wait(socket, connection, begin)
    else {
      use(socket, connection)
      begin()
    }
  }

  function wait(socket: Socket, connection: Connection, begin: () => void): void {
    if (pipelined >= maxPipelined) {
      log.debug({ maxPipelined }, 'a connection was cut: too many requests wait behind others')
      socket.destroy()
      return
    }
    pipelined += 1
    connection.waiting.push(begin)
    // What was read with this one comes yet; the rest stays where it is.
    connection.held ??= holdBack(socket)
  }

  function serveNext(socket: Socket, connection: Connection): void {
    if (socket.destroyed) return
    const next = connection.waiting.shift()
    if (next === undefined) {
      connection.isUsed = false
      connection.due = undefined
      unused.add(socket)
      return
    }
    pipelined -= 1
    if (connection.waiting.length === 0) {
      connection.held?.release()
      connection.held = undefined
    }
    next()
  }

  function use(socket: Socket, connection: Connection): void {
    connection.isUsed = true
    unused.delete(socket)
  }

  function upgrade(socket: Socket): boolean {
    const connection = connections.get(socket)
    if (connection === undefined || connection.isUsed) return false
    use(socket, connection)
    return true
  }

  return {
    serve,
    upgrade,
    dueOn: (socket) => connections.get(socket)?.due,
    isUsed: (socket) => connections.get(socket)?.isUsed === true,
    all: () => connections.keys(),
  }
}
