import { Agent, type IncomingMessage, request } from 'node:http'
import { placeSent } from './reply-operations.ts'

/** An event as a subscriber keeps it. */
export interface ReceivedEvent {
  __typename: string
  replyId: string
  message?: { content: string }
}

/** One subscriber by SSE that costs as little as can be: only its text and its last event are kept. */
export interface StreamSubscriber {
  readonly text: string
  readonly last: ReceivedEvent | undefined
  /** Settles when the stream has ended. */
  readonly ended: Promise<void>
  unsubscribe(): void
}

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** Subscribes; the query has one field. */
export function subscribe(origin: string, query: string, variables: object): StreamSubscriber {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const received: { text: string; last: ReceivedEvent | undefined } = { text: '', last: undefined }
  let response: IncomingMessage | undefined
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
  const outgoing = request(`${origin}/graphql`, { method: 'POST', agent, headers }, (answer) => {
    let rest = ''
    response = answer
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) receive(block)
    })
    response.once('end', resolve)
    response.once('error', reject)
    response.once('close', resolve)
  })
  outgoing.once('error', reject)
  outgoing.end(JSON.stringify({ query, variables }))

  function receive(block: string): void {
    const json = /^data: ?(.+)$/m.exec(block)?.[1]
    if (json === undefined) return
    const { data } = JSON.parse(json) as { data: Record<string, ReceivedEvent> }
    const [event] = Object.values(data)
    if (event === undefined) return
    received.text = placeSent([event], received.text)
    received.last = event
  }

  return Object.assign(received, { ended, unsubscribe: () => void response?.destroy() })
}
