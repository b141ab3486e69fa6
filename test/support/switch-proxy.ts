import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** An address behind which a server can become another one, as behind a managed failover. */
export interface SwitchProxy {
  /** The server's URL, through the proxy. */
  url: string
  /** New connections go to this server; those that are open stay. */
  switchTo(target: string): void
  close(): Promise<void>
}

/** A TCP proxy in front of a server of this machine. */
export async function startSwitchProxy(target: string): Promise<SwitchProxy> {
  let port = Number(new URL(target).port)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    switchTo(next) {
      port = Number(new URL(next).port)
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
