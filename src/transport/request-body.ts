import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * The request with a body of at most `maxBytes`; undefined when it is larger. A body that says its
 * length is left to be read by whom it is for; a chunked one is read here, counted.
 */
export async function limitBody(request: IncomingMessage, maxBytes: number): Promise<IncomingMessage | undefined> {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length) > maxBytes ? undefined : request
  if (request.headers['transfer-encoding'] === undefined) return request
  const chunks: Buffer[] = []
  let bytes = 0
  // Destroyed, it would take the connection with it, and the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  const { method, url, headers, socket } = request
  return Object.assign(Readable.from(chunks), { method, url, headers, socket }) as unknown as IncomingMessage
}
