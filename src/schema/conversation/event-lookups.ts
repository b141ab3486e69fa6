import DataLoader from 'dataloader'
import { LRUCache } from 'lru-cache'
import { HistoryUnavailableError } from '../../errors.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { ConversationEvent } from '../../memory/events/conversation-events.ts'
import { parseCursor } from '../../memory/events/log-position.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message } from '../../memory/message.ts'
import { isOnPath } from '../../memory/versions/branches.ts'
import type { FollowedEvent } from './followed-event.ts'

/** Loads what events are about, once for all subscribers of a conversation. */
export interface EventLookups {
  /** The look-ups of one conversation, for its owner, until the signal aborts. */
  open(ownerId: string, conversationId: string, signal: AbortSignal): LookUp
}

/**
 * The event with what it is about, the same object for every subscriber; undefined when that is gone by now,
 * which has an event of its own. While the history is away it is a reset: something was missed.
 */
export type LookUp = (event: ConversationEvent) => Promise<FollowedEvent | undefined>

/** Where look-ups read. */
export interface EventLookupDeps {
  memory: Pick<Memory, 'findInConversation'>
  findReply(ownerId: string, id: string): Promise<ReplyRecord | undefined>
}

interface SharedLookups {
  lookUp: LookUp
  subscribers: number
}

/** Events of a conversation that are kept for its slower subscribers, and the tokens of their messages in all. */
const MAX_KEPT = 64
const MAX_KEPT_TOKENS = 64_000

/** Look-ups that are shared by conversation and owner; what one subscriber caused to be read the others get too. */
export function createEventLookups(deps: EventLookupDeps): EventLookups {
  const conversations = new Map<string, SharedLookups>()

  function open(ownerId: string, conversationId: string, signal: AbortSignal): LookUp {
    const key = JSON.stringify([conversationId, ownerId])
    const shared = conversations.get(key) ?? { lookUp: createLookUp(deps, ownerId, conversationId), subscribers: 0 }
    if (signal.aborted) return shared.lookUp
    conversations.set(key, shared)
    shared.subscribers += 1
    const release = () => {
      shared.subscribers -= 1
      if (shared.subscribers === 0) conversations.delete(key)
    }
    signal.addEventListener('abort', release, { once: true })
    return shared.lookUp
  }

  return { open }
}

function createLookUp(deps: EventLookupDeps, ownerId: string, conversationId: string): LookUp {
  const running = new Map<string, Promise<FollowedEvent | undefined>>()
  const kept = new LRUCache<string, FollowedEvent>({
    max: MAX_KEPT,
    maxSize: MAX_KEPT_TOKENS,
    sizeCalculation: tokensOf,
  })
  const loader = new DataLoader(
    (events: readonly ConversationEvent[]) => lookUpAll(deps, ownerId, conversationId, events),
    { cache: false },
  )

  async function lookUp(event: ConversationEvent): Promise<FollowedEvent | undefined> {
    // These stand at the place of another event, and hold nothing.
    if (event.type === 'ConversationReset' || event.type === 'ConversationHeartbeat') {
      return { type: event.type, cursor: event.cursor }
    }
    // Only a place in the log names one event: others of no place have the same cursor.
    if (parseCursor(event.cursor) === undefined) return loader.load(event)
    const found = kept.get(event.cursor) ?? running.get(event.cursor)
    if (found !== undefined) return found
    if (event.type === 'MessageChanged') clear()
    const loading = loader.load(event)
    running.set(event.cursor, loading)
    try {
      const loaded = await loading
      if (running.get(event.cursor) === loading && loaded?.type === event.type) kept.set(event.cursor, loaded)
      return loaded
    } finally {
      if (running.get(event.cursor) === loading) running.delete(event.cursor)
    }
  }

  /** Whoever is behind must not be given what a message said before it was redacted. */
  function clear(): void {
    kept.clear()
    running.clear()
  }

  return lookUp
}

/** The tokens of the message that an event holds; 1 where it holds none. */
export function tokensOf(event: FollowedEvent): number {
  return 'message' in event ? Math.max(1, event.message.tokens) : 1
}

/** All in one round trip to the history, and one more for each reply. */
async function lookUpAll(
  { memory, findReply }: EventLookupDeps,
  ownerId: string,
  conversationId: string,
  events: readonly ConversationEvent[],
): Promise<(FollowedEvent | undefined)[]> {
  const messageIds = [...new Set(events.flatMap((event) => ('messageId' in event ? event.messageId : [])))]
  const replyIds = [...new Set(events.flatMap((event) => ('replyId' in event ? event.replyId : [])))]
  const needsConversation = messageIds.length > 0 || events.some(({ type }) => type === 'ConversationChanged')
  try {
    const [{ conversation, messages }, replies] = await Promise.all([
      needsConversation ? memory.findInConversation(ownerId, conversationId, messageIds) : NOTHING,
      Promise.all(replyIds.map((id) => findReply(ownerId, id))),
    ])
    const messageById = new Map(messageIds.map((id, index) => [id, messages[index]]))
    const replyById = new Map(replyIds.map((id, index) => [id, replies[index]]))
    return events.map((event) => assemble(event, { conversation, messageById, replyById }))
  } catch (error) {
    if (!(error instanceof HistoryUnavailableError)) throw error
    return events.map(({ cursor }) => ({ type: 'ConversationReset', cursor }))
  }
}

const NOTHING: { conversation?: Conversation; messages: Message[] } = { messages: [] }

interface Found {
  conversation: Conversation | undefined
  messageById: ReadonlyMap<string, Message | undefined>
  replyById: ReadonlyMap<string, ReplyRecord | undefined>
}

function assemble(
  event: ConversationEvent,
  { conversation, messageById, replyById }: Found,
): FollowedEvent | undefined {
  const { type, cursor } = event
  if (type === 'ConversationChanged') return conversation && { type, cursor, conversation }
  if (type === 'ReplyBegan' || type === 'ReplyEnded') {
    const reply = replyById.get(event.replyId)
    return reply && { type, cursor, reply }
  }
  if (!('messageId' in event)) return { type: event.type, cursor }
  const message = messageById.get(event.messageId)
  if (message === undefined || conversation === undefined) return undefined
  if (event.type === 'MessageChanged') return { type: event.type, cursor, message }
  if (event.type === 'BranchSelected') return { type: event.type, cursor, message, conversation }
  // Another path was selected while it was appended: that event may have come before this one.
  return isOnPath(conversation, conversation.activeBranch, message) ? { type: event.type, cursor, message } : undefined
}
