import { Agent, type IncomingMessage, request } from 'node:http'
import { placeSent } from './reply-operations.ts'

/** An event as a listener keeps it. */
export interface HeardEvent {
  __typename: string
  replyId: string
  message?: { content: string }
}

/** One subscriber by SSE that costs as little as can be: only its text and its last event are kept. */
export interface Listener {
  readonly text: string
  readonly last: HeardEvent | undefined
  /** Settles when the stream has ended. */
  readonly ended: Promise<void>
  leave(): void
}

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** Subscribes; the query has one field. */
export function listen(origin: string, query: string, variables: object): Listener {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const heard: { text: string; last: HeardEvent | undefined } = { text: '', last: undefined }
  let response: IncomingMessage | undefined
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
  const asking = request(`${origin}/graphql`, { method: 'POST', agent, headers }, (answer) => {
    let rest = ''
    response = answer
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    })
    response.once('end', resolve)
    response.once('error', reject)
    response.once('close', resolve)
  })
  asking.once('error', reject)
  asking.end(JSON.stringify({ query, variables }))

  function take(block: string): void {
    const json = /^data: ?(.+)$/m.exec(block)?.[1]
    if (json === undefined) return
    const { data } = JSON.parse(json) as { data: Record<string, HeardEvent> }
    const [event] = Object.values(data)
    if (event === undefined) return
    heard.text = placeSent([event], heard.text)
    heard.last = event
  }

  return Object.assign(heard, { ended, leave: () => void response?.destroy() })
}
