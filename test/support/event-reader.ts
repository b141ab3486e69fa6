import { vi } from 'vitest'
import type {
  ConversationEvent,
  ConversationEvents,
  SubscribedConversation,
} from '../../src/memory/events/conversation-events.ts'
import type { LocalEventsDeps } from '../../src/memory/events/local-events.ts'

/** A subscriber that reads as fast as it can and keeps what it got. */
export interface EventReader {
  /** All but heartbeats. */
  readonly received: ConversationEvent[]
  /** The cursor of the heartbeat, once it came. */
  readonly heartbeat: string | undefined
  readonly ended: boolean
  /** What was received once it is at least `count` events. */
  take(count: number): Promise<ConversationEvent[]>
  untilEnd(): Promise<ConversationEvent[]>
  abort(): void
}

/** Subscribes at once and reads in the background. */
export function createEventReader(
  events: ConversationEvents,
  conversation: string | SubscribedConversation,
  after?: string,
): EventReader {
  const controller = new AbortController()
  const received: ConversationEvent[] = []
  const source = events.subscribe(followed(conversation), after, controller.signal)
  let heartbeat: string | undefined
  let ended = false
  const reading = (async () => {
    for await (const event of source) {
      if (event.type === 'ConversationHeartbeat') heartbeat = event.cursor
      else received.push(event)
    }
    ended = true
  })()
  return {
    received,
    get heartbeat() {
      return heartbeat
    },
    get ended() {
      return ended
    },
    async take(count) {
      await vi.waitFor(() => {
        if (received.length < count)
          throw new Error(`${received.length} of ${count} events: ${JSON.stringify(received)}`)
      }, WAIT)
      return received
    },
    async untilEnd() {
      await reading
      return received
    },
    abort: () => controller.abort(),
  }
}

export const WAIT = { timeout: 60_000, interval: 5 }

/** The ids that the events tell of, or their types where they tell of none. */
export function idsOf(events: readonly ConversationEvent[]): string[] {
  return events.map((event) => {
    if ('messageId' in event) return event.messageId
    return 'replyId' in event ? event.replyId : event.type
  })
}

/** A conversation of which nobody knows the newest message, or what is given. */
export function followed(conversation: string | SubscribedConversation): SubscribedConversation {
  return typeof conversation === 'string'
    ? { id: conversation, newestId: '', readNewestId: async () => '' }
    : conversation
}

/** Nothing is stored that was not published. */
export const NOTHING_LOST: LocalEventsDeps = { areStored: async (ids) => ids.map(() => false), onFault() {} }
