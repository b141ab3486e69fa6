import { createGraphqlClient, type Transport } from './graphql-client.ts'
import { followReply, placeSent } from './reply-operations.ts'
import type { WireNode } from './wire-node.ts'

/** One connection of a chain, and when it is cut. */
export interface Hop {
  node: 0 | 1
  transport: Transport
  /** Events after which it is cut; fewer when there is nothing more to come. */
  events: number
  /** Whether a client by WebSocket says that it leaves; else its connection breaks, as SSE's always does. */
  leaves: boolean
}

/** A client that loses its connection again and again, and goes on behind the last event that it saw. */
export interface ReplyChain {
  /** What it has, each event placed once. */
  readonly text: string
  /** The same with each event delivered twice. */
  readonly doubledText: string
  /** The event that ended the reply, and how often there was one. */
  readonly endings: readonly { __typename: string }[]
  /** Follows until the hop is cut, its text is so long, or the stream ends. */
  follow(hop: Hop, length?: number): Promise<void>
}

export function createReplyChain(nodes: readonly [WireNode, WireNode], replyId: string): ReplyChain {
  let after: string | null = null
  let text = ''
  let doubledText = ''
  const endings: { __typename: string }[] = []

  function take(event: { __typename: string; cursor: string }): void {
    after = event.cursor
    text = placeSent([event], text)
    doubledText = placeSent([event, event], doubledText)
    if (ENDINGS.has(event.__typename)) endings.push(event)
  }

  return {
    get text() {
      return text
    },
    get doubledText() {
      return doubledText
    },
    endings,
    async follow({ node, transport, events, leaves }, length = Number.POSITIVE_INFINITY) {
      const client = createGraphqlClient(nodes[node].origin)
      const stream = client.streamBy(transport, followReply, { id: replyId, after })
      for (let count = 0; count < events && text.length < length; count += 1) {
        const { value, done } = await stream.next()
        if (done) break
        if (value.errors) throw new Error(JSON.stringify(value.errors))
        take(value.data.reply)
      }
      if (transport === 'WebSocket') await client.connected
      if (transport === 'SSE' || leaves) await stream.return()
      else client.cutSocket()
      await client.close()
    },
  }
}

const ENDINGS = new Set(['ReplyCompleted', 'ReplyInterrupted', 'ReplyFailed', 'ReplyRejected'])
