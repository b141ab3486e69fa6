import WebSocket from 'ws'
import type { HeardEvent, Listener } from '../../test/support/listener.ts'
import { placeSent } from '../../test/support/reply-operations.ts'

interface Frame {
  type: string
  payload?: { data: Record<string, HeardEvent> }
}

/** As `listen`, by a WebSocket of its own. */
export function listenBySocket(origin: string, query: string, variables: object): Listener {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const heard: { text: string; last: HeardEvent | undefined } = { text: '', last: undefined }
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const send = (frame: object) => socket.send(JSON.stringify(frame))
  socket.once('open', () => send({ type: 'connection_init' }))
  socket.once('error', reject).once('close', () => resolve())
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data)) as Frame
    if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: { query, variables } })
    const [event] = Object.values((type === 'next' && payload?.data) || {})
    if (event === undefined) return
    heard.text = placeSent([event], heard.text)
    heard.last = event
  })
  return Object.assign(heard, { ended, leave: () => socket.terminate() })
}
