import type { Plugin } from 'graphql-yoga'

/** What proxies need to be told, or they hold a stream back until its end: nginx by its defaults, and whoever compresses. */
export const UNBUFFERED_HEADS = { 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' }

/** Puts them on the streams that Yoga writes. */
export function createUnbufferedHeads(): Plugin {
  return {
    onResponse({ response: { headers } }) {
      if (headers.get('content-type')?.startsWith('text/event-stream') !== true) return
      // Node knows when it ends the connection with the stream: proxies of HTTP/1.0 see the end of it so.
      headers.delete('connection')
      for (const [name, value] of Object.entries(UNBUFFERED_HEADS)) {
        // Its `set` adds to what the response was made with.
        headers.delete(name)
        headers.set(name, value)
      }
    },
  }
}
