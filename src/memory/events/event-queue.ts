import type { ConversationChange, LoggedChange } from './conversation-events.ts'
import { replacementOf } from './published-head.ts'

/** Changes on their way: those of one conversation go one command after another, gathered while one is under way. */
export interface EventQueue {
  /** Resolves when the changes are out; without any, when all before are and what is owed had its turn. Never rejects. */
  add(conversationId: string, changes: readonly ConversationChange[]): Promise<void>
  /** Resolves when nothing waits. */
  drain(): Promise<void>
}

/** Where the queue leads. */
export interface EventQueueDeps {
  /** Never rejects. */
  send(conversationId: string, changes: readonly LoggedChange[]): Promise<void>
  /** Changes were dropped: a reset goes out in their place. */
  onDrop(conversationId: string): void
}

/** Bounds of what waits. */
export interface EventQueueLimits {
  /** Changes of one conversation; more become one reset. */
  queuedEvents: number
}

interface Waiting {
  changes: LoggedChange[]
  sent: Promise<void>
}

/** In a later tick, so that a response goes before its events. */
export function createEventQueue({ send, onDrop }: EventQueueDeps, { queuedEvents }: EventQueueLimits): EventQueue {
  /** Per conversation what waits for the command under way, and for the next tick. */
  const waiting = new Map<string, Waiting>()
  const sending = new Map<string, Promise<void>>()

  function add(conversationId: string, changes: readonly ConversationChange[]): Promise<void> {
    const present = waiting.get(conversationId)
    if (present === undefined) {
      const sent = sendNext(conversationId)
      waiting.set(conversationId, { changes: [...changes], sent })
      return sent
    }
    present.changes.push(...changes)
    if (present.changes.length > queuedEvents) {
      present.changes = [replacementOf(present.changes)]
      onDrop(conversationId)
    }
    return present.sent
  }

  async function sendNext(conversationId: string): Promise<void> {
    await (sending.get(conversationId) ?? new Promise((resolve) => setImmediate(resolve)))
    const { changes = [] } = waiting.get(conversationId) ?? {}
    waiting.delete(conversationId)
    const sent = send(conversationId, changes)
    sending.set(conversationId, sent)
    await sent
    if (sending.get(conversationId) === sent) sending.delete(conversationId)
  }

  async function drain(): Promise<void> {
    while (waiting.size + sending.size > 0) {
      await Promise.all([...sending.values(), ...[...waiting.values()].map(({ sent }) => sent)])
    }
  }

  return { add, drain }
}
