import WebSocket from 'ws'
import { placeSent } from '../../test/support/reply-operations.ts'
import type { ReceivedEvent, StreamSubscriber } from '../../test/support/sse-subscriber.ts'

interface Frame {
  type: string
  payload?: { data: Record<string, ReceivedEvent> }
}

/** As `subscribe`, by a WebSocket of its own. */
export function subscribeBySocket(origin: string, query: string, variables: object): StreamSubscriber {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const received: { text: string; last: ReceivedEvent | undefined } = { text: '', last: undefined }
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const send = (frame: object) => socket.send(JSON.stringify(frame))
  socket.once('open', () => send({ type: 'connection_init' }))
  socket.once('error', reject).once('close', () => resolve())
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data)) as Frame
    if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: { query, variables } })
    const [event] = Object.values((type === 'next' && payload?.data) || {})
    if (event === undefined) return
    received.text = placeSent([event], received.text)
    received.last = event
  })
  return Object.assign(received, { ended, unsubscribe: () => socket.terminate() })
}
