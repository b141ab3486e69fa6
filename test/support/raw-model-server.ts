import { on, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** One request that the raw model server has read, and the socket to answer it with, byte by byte. */
export interface RawCall {
  /** The request's line and headers, as they came. */
  head: string
  /** The request's body; whoever reads it knows what was sent. */
  body: Record<string, unknown>
  /** Bytes as they are, in a packet of their own. */
  write(bytes: string | Uint8Array): Promise<void>
  /** Status line and headers; a body of chunks follows unless a length is given. */
  startStream(contentType?: string): Promise<void>
  /** One chunk of a chunked body. */
  chunk(bytes: string | Uint8Array): Promise<void>
  /** One event of an event stream, as one chunk. */
  event(data: unknown): Promise<void>
  /** The end of a chunked body. */
  endChunks(): Promise<void>
  /** A whole answer that is no stream. */
  respond(status: number, body: string, headers?: Record<string, string>): Promise<void>
  /** Closes the connection behind what was written. */
  end(): void
  /** Cuts the connection. */
  cut(): void
  /** The other side has closed the connection, or it was cut. */
  readonly closed: Promise<void>
}

export interface RawModelServer {
  /** The base URL of a chat completions API. */
  url: string
  /** Every call so far. */
  readonly calls: readonly RawCall[]
  close(): Promise<void>
}

/** A server of scripted bytes: the first call is answered by the first script, and so on, the last one repeats. */
export async function startRawModelServer(...scripts: ((call: RawCall) => Promise<void>)[]): Promise<RawModelServer> {
  const calls: RawCall[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // A cut connection is what many scripts are about.
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    readRequest(socket).then(
      (request) => {
        const script = scripts[calls.length] ?? scripts.at(-1)
        const call = createCall(socket, request)
        calls.push(call)
        // A script whose client has gone fails to write: the test sees what the client made of it.
        return script?.(call).catch(() => {})
      },
      () => socket.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

interface RawRequest {
  head: string
  body: Record<string, unknown>
}

/** The one request of a connection: every answer says `connection: close`. */
async function readRequest(socket: Socket): Promise<RawRequest> {
  let bytes = Buffer.alloc(0)
  for await (const [packet] of on(socket, 'data', { close: ['end', 'close'] })) {
    bytes = Buffer.concat([bytes, packet])
    const bodyStart = bytes.indexOf('\r\n\r\n') + 4
    if (bodyStart < 4) continue
    const head = bytes.subarray(0, bodyStart).toString()
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (bytes.length < bodyStart + length) continue
    return { head, body: JSON.parse(bytes.subarray(bodyStart).toString()) }
  }
  throw new Error('The connection ended before its request did.')
}

function createCall(socket: Socket, { head, body }: RawRequest): RawCall {
  const write = (bytes: string | Uint8Array) =>
    new Promise<void>((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
  const chunk = (bytes: string | Uint8Array) => {
    const size = Buffer.byteLength(bytes).toString(16)
    return write(Buffer.concat([Buffer.from(`${size}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')]))
  }
  return {
    head,
    body,
    write,
    chunk,
    startStream: (contentType = 'text/event-stream') =>
      write(
        `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`,
      ),
    event: (data) => chunk(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`),
    endChunks: async () => {
      await write('0\r\n\r\n')
      socket.end()
    },
    respond: async (status, text, headers = {}) => {
      const all = { 'content-length': String(Buffer.byteLength(text)), connection: 'close', ...headers }
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
      await write(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n${text}`)
      socket.end()
    },
    end: () => void socket.end(),
    cut: () => socket.destroy(),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  }
}
