import type { IncomingMessage } from 'node:http'

/** Bodies that nobody wants are read to their end if that comes so soon; then the connection is cut. */
const MAX_UNREAD_BYTES = 67_108_864
const MAX_UNREAD_MS = 30_000
const MAX_UNREAD_SILENT_MS = 5_000

/**
 * Reads and forgets what is left of a body; resolves when nothing is, also because the connection is gone.
 * Many clients look for an answer only when their body is sent, and a connection that is closed before takes
 * the answer with it; nginx calls the same a lingering close.
 */
export function readToEnd(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let bytes = 0
    const late = setTimeout(() => request.destroy(), MAX_UNREAD_MS).unref()
    const silent = setTimeout(() => request.destroy(), MAX_UNREAD_SILENT_MS).unref()
    const settle = () => {
      clearTimeout(late)
      clearTimeout(silent)
      resolve()
    }
    request.on('data', (chunk: Buffer) => {
      silent.refresh()
      bytes += chunk.length
      if (bytes > MAX_UNREAD_BYTES) request.destroy()
    })
    request.once('end', settle).once('close', settle).on('error', settle)
    request.resume()
  })
}
