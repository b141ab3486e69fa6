import type { Conversation } from '../../memory/conversation.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Message } from '../../memory/message.ts'

/** Events with what they are about. */
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

/** The conversation is gone, or something was missed, or nothing happened. */
export interface BareFollowedEvent {
  type: 'ConversationDeleted' | 'ConversationReset' | 'ConversationHeartbeat'
  cursor: string
}
