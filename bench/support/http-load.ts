import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Clients that ask a server for the same thing over and over, each on a connection that it keeps. */
export interface HttpLoad {
  /** Asks so many times, as many at once as there are clients. */
  run(requests: number): Promise<void>
  close(): void
}

/** What is asked. */
export interface LoadRequest {
  url: string
  method: string
  headers?: Record<string, string>
  body?: string
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Clients that cost a fraction of what a server does, so that it is the server that is measured: the
 * request is encoded once, and of an answer only the status and the length are read.
 */
export async function createHttpLoad(request: LoadRequest, clients: number): Promise<HttpLoad> {
  const bytes = encode(request)
  const sockets = Array.from({ length: clients }, () => connectTo(request.url))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return {
    async run(requests) {
      let left = requests
      const keepAsking = async (socket: Socket) => {
        while (left-- > 0) await ask(socket, bytes)
      }
      await Promise.all(sockets.map(keepAsking))
    },
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function encode({ url, method, headers = {}, body = '' }: LoadRequest): Buffer {
  const { pathname, search, host } = new URL(url)
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect({ host: hostname, port: Number(port), noDelay: true })
}

function ask(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    let missing = -1
    const read = (chunk: Buffer) => {
      if (missing < 0) {
        head = Buffer.concat([head, chunk])
        missing = bytesMissing(head)
      } else missing -= chunk.length
      if (missing !== 0) return
      settle()
      if (head.toString('latin1', 0, 12) === 'HTTP/1.1 200') resolve()
      else reject(new Error(`The server answered ${head.toString('utf8', 0, 500)}`))
    }
    const fail = () => {
      settle()
      reject(new Error('The server closed a connection'))
    }
    const settle = () => socket.off('data', read).off('close', fail)
    socket.on('data', read).on('close', fail)
    socket.write(request)
  })
}

/** Of the answer that begins so; -1 while its head is not there yet. */
function bytesMissing(head: Buffer): number {
  const end = head.indexOf(HEAD_END)
  if (end < 0) return -1
  const length = /content-length: (\d+)/i.exec(head.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('An answer does not say its length')
  return Number(length) + end + HEAD_END.length - head.length
}
