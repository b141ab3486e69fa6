import { HistoryUnavailableError } from '../../errors.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { ConversationEvent } from '../../memory/events/conversation-events.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message } from '../../memory/message.ts'
import { isOnPath } from '../../memory/versions/branches.ts'

/** Events with what they tell of. */
export type FollowedEvent =
  | MessageFollowedEvent
  | ConversationFollowedEvent
  | BranchFollowedEvent
  | ReplyFollowedEvent
  | BareFollowedEvent

/** A message is new, or its metadata was changed, or it was redacted. */
export interface MessageFollowedEvent {
  type: 'MessageAppended' | 'MessageChanged'
  cursor: string
  message: Message
}

/** What is known about the conversation was changed. */
export interface ConversationFollowedEvent {
  type: 'ConversationChanged'
  cursor: string
  conversation: Conversation
}

/** Another path is active; `message` is the first one that the path before lacks. */
export interface BranchFollowedEvent {
  type: 'BranchSelected'
  cursor: string
  message: Message
  conversation: Conversation
}

/** A reply began or ended. */
export interface ReplyFollowedEvent {
  type: 'ReplyBegan' | 'ReplyEnded'
  cursor: string
  reply: ReplyRecord
}

/** The conversation is gone, or something was missed. */
export interface BareFollowedEvent {
  type: 'ConversationDeleted' | 'ConversationReset'
  cursor: string
}

/** Where what is told of is looked up. */
export interface FollowedParts {
  memory: Pick<Memory, 'subscribe' | 'findMessages' | 'findConversations'>
  findReply(ownerId: string, id: string): Promise<ReplyRecord | undefined>
}

/**
 * The events of a conversation with what they tell of, looked up as they pass: events themselves hold
 * ids only. What is gone by then is passed over, its own event follows; while the history is away a
 * reset says that something was missed. Rejects with NotFoundError when there is no such conversation.
 */
export async function followConversation(
  parts: FollowedParts,
  ownerId: string,
  conversationId: string,
  after: string | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<FollowedEvent>> {
  const events = await parts.memory.subscribe(ownerId, conversationId, after, signal)
  return follow(parts, ownerId, conversationId, events)
}

async function* follow(
  parts: FollowedParts,
  ownerId: string,
  conversationId: string,
  events: AsyncIterable<ConversationEvent>,
): AsyncGenerator<FollowedEvent> {
  for await (const event of events) {
    const told = await lookUp(parts, ownerId, conversationId, event)
    if (told !== undefined) yield told
  }
}

async function lookUp(
  { memory, findReply }: FollowedParts,
  ownerId: string,
  conversationId: string,
  event: ConversationEvent,
): Promise<FollowedEvent | undefined> {
  const { type, cursor } = event
  try {
    if (type === 'MessageChanged') {
      const [message] = await memory.findMessages(ownerId, [event.messageId])
      return message && { type, cursor, message }
    }
    if (type === 'ConversationChanged') {
      const [conversation] = await memory.findConversations(ownerId, [conversationId])
      return conversation && { type, cursor, conversation }
    }
    if (type === 'MessageAppended' || type === 'BranchSelected') {
      const [[message], [conversation]] = await Promise.all([
        memory.findMessages(ownerId, [event.messageId]),
        memory.findConversations(ownerId, [conversationId]),
      ])
      if (message === undefined || conversation === undefined) return undefined
      if (type === 'BranchSelected') return { type, cursor, message, conversation }
      // Another path was selected while it was appended: that event may have come before this one.
      return isOnPath(conversation, conversation.activeBranch, message) ? { type, cursor, message } : undefined
    }
    if (type === 'ReplyBegan' || type === 'ReplyEnded') {
      const reply = await findReply(ownerId, event.replyId)
      return reply && { type, cursor, reply }
    }
    return { type, cursor }
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return { type: 'ConversationReset', cursor }
    throw error
  }
}
