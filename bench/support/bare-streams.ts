import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ChoirAnswer, ChoirOrder } from '../../test/support/choir-server.ts'

type Tell = (json: string) => void

await main()

/**
 * The least that a server of SSE and of WebSockets can do for a delta: JSON.stringify, once, and a write to
 * every client. It obeys as the choir server does, and ends with its parent.
 */
async function main(): Promise<void> {
  const clients = new Set<Tell>()
  const http = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    join(clients, (json) => response.write(`event: next\ndata: ${json}\n\n`), response)
  })
  new WebSocketServer({ server: http, handleProtocols: ([first]) => first ?? false }).on('connection', (socket) => {
    socket.on('message', (data) => {
      const { type, id } = JSON.parse(String(data)) as { type: string; id: string }
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}')
      else join(clients, (json) => socket.send(`{"id":"${id}","type":"next","payload":${json}}`), socket)
    })
  })
  const answer = (message: ChoirAnswer) => process.send?.(message)
  let offset = 0
  process.on('message', (order: ChoirOrder) => {
    if (order === 'cpu') return answer({ cpuMicros: cpuMicros() })
    if (order === 'measure') return answer({ heapBytes: heapBytes() })
    if (typeof order === 'string') return answer('done')
    const json = deltaOf(offset, order.emit)
    for (const tell of clients) tell(json)
    offset += order.emit.length
    answer('done')
  })
  process.once('disconnect', () => process.exit())
  http.listen(0, '127.0.0.1', () => answer({ origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }))
}

function join(clients: Set<Tell>, tell: Tell, connection: ServerResponse | WebSocket): void {
  clients.add(tell)
  connection.once('close', () => clients.delete(tell))
  tell(deltaOf(0, ''))
}

function deltaOf(offset: number, text: string): string {
  const cursor = Buffer.from(`1.${offset}.0.0`).toString('base64url')
  const replyId = 'rep_01h455vb4pex5vsknk084sn02q.01h455vb4pex5vsknk084sn02q'
  return JSON.stringify({ data: { sendMessage: { __typename: 'ReplyDelta', replyId, cursor, offset, text } } })
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
