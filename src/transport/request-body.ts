import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * The whole body; undefined as soon as it is known to be larger than `maxBytes`. Rejects when the client
 * disconnects before its end. It listens to events, as an iterator costs more than all the rest.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return resolve(undefined)
    const chunks: Buffer[] = []
    let bytes = 0
    const read = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) return chunks.push(chunk)
      // Destroying the request would close the connection before the answer.
      request.off('data', read).pause()
      resolve(undefined)
    }
    request.on('data', read)
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.once('error', reject)
  })
}

/** The request with its body to be read once more. Its content type is in small letters, the only ones that Yoga knows. */
export function withBody({ method, url, headers: own, socket }: IncomingMessage, body: Buffer): IncomingMessage {
  const headers = { ...own, 'content-type': own['content-type']?.toLowerCase() }
  return Object.assign(Readable.from([body]), { method, url, headers, socket }) as unknown as IncomingMessage
}
