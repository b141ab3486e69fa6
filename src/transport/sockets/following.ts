import { GraphQLError } from 'graphql'
import type { Following } from '../../schema/builder.ts'

/** Each event is written once for each of them; a gateway has those of all its users on one connection. */
const MAX_STREAMS_OF_CONVERSATION = 100

/** What one connection follows, each conversation by a bounded number of streams. */
export function createFollowing(maxStreams = MAX_STREAMS_OF_CONVERSATION): Following {
  const streams = new Map<string, number>()

  function add(conversationId: string, signal: AbortSignal): void {
    const count = streams.get(conversationId) ?? 0
    if (count >= maxStreams) {
      const message = `One WebSocket follows a conversation by at most ${maxStreams} subscriptions at once: end others first.`
      throw new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } })
    }
    if (signal.aborted) return
    streams.set(conversationId, count + 1)
    signal.addEventListener('abort', () => remove(conversationId), { once: true })
  }

  function remove(conversationId: string): void {
    const count = streams.get(conversationId) ?? 0
    if (count > 1) streams.set(conversationId, count - 1)
    else streams.delete(conversationId)
  }

  return { add }
}
