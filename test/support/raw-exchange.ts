import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** What came back over one connection, head and body as they were sent. */
export interface RawAnswer {
  status: number
  /** In small letters. */
  head: string
  body: string
}

/** Writes a request line, header lines and a body as they are, and reads until the server closes the connection. */
export async function exchangeRaw(
  origin: string,
  line: string,
  headers: readonly string[],
  body: string | Buffer = '',
): Promise<RawAnswer> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(`${[line, ...headers].join('\r\n')}\r\n\r\n`)
  socket.write(body)
  const received = await text(socket)
  const [head = '', ...rest] = received.split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head: head.toLowerCase(), body: rest.join('\r\n\r\n') }
}
