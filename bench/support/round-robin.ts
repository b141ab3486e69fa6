import { connect, createServer } from 'node:net'

/** A plain TCP proxy in a process of its own: PORT listens, each connection goes to the next port of the arguments. */
const ports = process.argv.slice(2).map(Number)
let connections = 0

createServer((client) => {
  const upstream = connect({ host: '127.0.0.1', port: ports[connections++ % ports.length] ?? 0 })
  for (const [socket, other] of [[client, upstream] as const, [upstream, client] as const]) {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => other.destroy())
    socket.pipe(other)
  }
}).listen(Number(process.env.PORT), '127.0.0.1')
