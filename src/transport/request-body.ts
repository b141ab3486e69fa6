import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * The body, whole; undefined as soon as it is known to be larger than `maxBytes`. Rejects when the
 * client leaves before its end. By events, as an iterator costs more than the rest of it.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return resolve(undefined)
    const chunks: Buffer[] = []
    let bytes = 0
    const read = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) return chunks.push(chunk)
      // Destroyed, it would take the connection with it, and the answer.
      request.off('data', read).pause()
      resolve(undefined)
    }
    request.on('data', read)
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.once('error', reject)
  })
}

/** The request anew, for whoever wants to read its body. */
export function withBody({ method, url, headers, socket }: IncomingMessage, body: Buffer): IncomingMessage {
  return Object.assign(Readable.from([body]), { method, url, headers, socket }) as unknown as IncomingMessage
}
