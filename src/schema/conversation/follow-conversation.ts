import type { ConversationEvent } from '../../memory/events/conversation-events.ts'
import type { Memory } from '../../memory/memory.ts'
import { type EventLookups, type LookUp, tokensOf } from './event-lookups.ts'
import type { FollowedEvent } from './followed-event.ts'

/** Where events come from, and where what they are about is looked up. */
export interface FollowDeps {
  memory: Pick<Memory, 'subscribe'>
  lookups: EventLookups
}

/** Events that are looked up together. */
const MAX_BATCH = 32
/** What is looked up may wait for a slow client: of more tokens than this at once only the first part is kept. */
const MAX_BATCH_TOKENS = 32_000

/**
 * The events of a conversation with what they are about, looked up as they pass: events themselves hold
 * ids only. Rejects with NotFoundError when there is no such conversation.
 */
export async function followConversation(
  { memory, lookups }: FollowDeps,
  ownerId: string,
  conversationId: string,
  after: string | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<FollowedEvent>> {
  const events = await memory.subscribe(ownerId, conversationId, after, signal)
  return follow(lookups.open(ownerId, conversationId, signal), events)
}

async function* follow(lookUp: LookUp, events: AsyncIterable<ConversationEvent>): AsyncGenerator<FollowedEvent> {
  for await (const batch of inBatches(events, MAX_BATCH)) {
    for (let left = batch; left.length > 0; ) {
      const found = await Promise.all(left.map(lookUp))
      const count = countWithin(found, MAX_BATCH_TOKENS)
      left = left.slice(count)
      for (const event of found.slice(0, count)) if (event !== undefined) yield event
    }
  }
}

/** How many of the first events have together at most so many tokens; at least one. */
function countWithin(events: readonly (FollowedEvent | undefined)[], maxTokens: number): number {
  let tokens = 0
  const end = events.findIndex((event, index) => {
    tokens += event === undefined ? 0 : tokensOf(event)
    return tokens > maxTokens && index > 0
  })
  return end === -1 ? events.length : end
}

/** What is there already comes together, at most `size` at a time; waits only for the first of each batch. */
async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]()
  let next = iterator.next()
  try {
    for (let first = await next; !first.done; first = await next) {
      const batch = [first.value]
      next = iterator.next()
      while (batch.length < size) {
        const ready = await Promise.race([next, undefined])
        if (ready === undefined || ready.done) break
        batch.push(ready.value)
        next = iterator.next()
      }
      yield batch
    }
  } finally {
    await iterator.return?.()
  }
}
