import {
  type BareFeedEvent,
  type ConversationFeedEvent,
  type FeedEvent,
  type MessageFeedEvent,
  openEventFeed,
} from '../memory/event-feed.ts'
import { builder } from './builder.ts'
import { ConversationRef } from './conversation.ts'
import { MessageRef } from './message.ts'

const ConversationEventRef = builder.interfaceRef<FeedEvent>('ConversationEvent').implement({
  description: 'Something that happened in a conversation. Ignore types that you do not know: there will be more.',
  resolveType: ({ type }) => type,
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribing `after` it yields exactly what came next, or a ConversationReset.',
    }),
  }),
})

builder.objectRef<MessageFeedEvent>('MessageAppended').implement({
  description: 'A message was stored at the end of the conversation.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'The message.' }) }),
})

builder.objectRef<MessageFeedEvent>('MessageChanged').implement({
  description: 'The metadata of a message was changed, or the message was redacted.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'The message as it is now.' }) }),
})

builder.objectRef<ConversationFeedEvent>('ConversationChanged').implement({
  description: 'What is known about the conversation was changed, for instance its title.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({
    conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation as it is now.' }),
  }),
})

builder.objectRef<BareFeedEvent>('ConversationDeleted').implement({
  description: 'The conversation was deleted. The stream ends.',
  interfaces: [ConversationEventRef],
})

builder.objectRef<BareFeedEvent>('ConversationReset').implement({
  description: 'Events were missed, for instance since the cursor is too old: load the conversation again. The stream goes on.',
  interfaces: [ConversationEventRef],
})

builder.subscriptionField('conversationEvents', (t) =>
  t.field({
    type: ConversationEventRef,
    description: 'What happens in a conversation, for every tab and device, on whichever node it happens.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({ description: 'The cursor of the last event that was seen; null: from now on.' }),
    },
    subscribe: (_, { conversationId, after }, { ownerId, memory, controller }) =>
      openEventFeed(memory, ownerId, conversationId, after ?? undefined, controller.signal),
    resolve: (event) => event,
  }),
)
