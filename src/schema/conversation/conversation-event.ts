import { eventItself } from '../../plans/planned-subscription.ts'
import { builder } from '../builder.ts'
import { MessageRef } from '../message/message.ts'
import { ReplyRef } from '../reply/reply.ts'
import { ConversationRef } from './conversation.ts'
import { followConversation } from './follow-conversation.ts'
import type {
  BareFollowedEvent,
  BranchFollowedEvent,
  ConversationFollowedEvent,
  FollowedEvent,
  MessageFollowedEvent,
  ReplyFollowedEvent,
} from './followed-event.ts'

const ConversationEventRef = builder.interfaceRef<FollowedEvent>('ConversationEvent').implement({
  description: 'Something that happened in a conversation. Ignore types that you do not know: there will be more.',
  resolveType: ({ type }) => type,
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribing `after` it yields exactly what came next, or a ConversationReset.',
    }),
  }),
})

builder.objectRef<MessageFollowedEvent>('MessageAppended').implement({
  description: 'A message was stored at the end of the active path.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'The message.' }) }),
})

builder.objectRef<MessageFollowedEvent>('MessageChanged').implement({
  description: 'The metadata of a message was changed, or the message was redacted.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'The message as it is now.' }) }),
})

builder.objectRef<ConversationFollowedEvent>('ConversationChanged').implement({
  description: 'What is known about the conversation was changed, for instance its title.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({
    conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation as it is now.' }),
  }),
})

builder.objectRef<BranchFollowedEvent>('BranchSelected').implement({
  description:
    'Another path is active, by an edit, a reply made again or `selectVersion`. Up to `message` it is the one before: drop what you show from the `sequence` of that on, and load the messages from there (`messages(after: …)`). Those that an edit stored are told in a MessageAppended too: place messages by their ids.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({
    message: t.expose('message', {
      type: MessageRef,
      description: 'The first message of the path that the one before did not have.',
    }),
    conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation as it is now.' }),
  }),
})

builder.objectRef<ReplyFollowedEvent>('ReplyBegan').implement({
  description: 'A model was asked. Subscribe to the reply to see it being written.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ reply: t.expose('reply', { type: ReplyRef, description: 'The reply.' }) }),
})

builder.objectRef<ReplyFollowedEvent>('ReplyEnded').implement({
  description: 'A reply has ended, however it did.',
  interfaces: [ConversationEventRef],
  fields: (t) => ({ reply: t.expose('reply', { type: ReplyRef, description: 'The reply as it is now.' }) }),
})

builder.objectRef<BareFollowedEvent>('ConversationDeleted').implement({
  description: 'The conversation was deleted. The stream ends.',
  interfaces: [ConversationEventRef],
})

builder.objectRef<BareFollowedEvent>('ConversationHeartbeat').implement({
  description:
    'Nothing happened. The first event of a subscription without `after`: from its cursor on nothing is lost, so load the conversation when it has come, or load `cursor` with the conversation and subscribe after that.',
  interfaces: [ConversationEventRef],
})

builder.objectRef<BareFollowedEvent>('ConversationReset').implement({
  description:
    'Events were missed, for instance since the cursor is too old: load the conversation again. The stream goes on.',
  interfaces: [ConversationEventRef],
})

builder.subscriptionField('conversationEvents', (t) =>
  t.field({
    type: ConversationEventRef,
    description: 'What happens in a conversation, for every tab and device, on whichever node it happens.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({
        description:
          'The cursor of the last event that was seen, or that of the conversation as it was loaded; null: from now on, beginning with a ConversationHeartbeat.',
      }),
    },
    subscribe(_, { conversationId, after }, { ownerId, memory, lookups, following, controller: { signal } }) {
      following?.add(conversationId, signal)
      return followConversation({ memory, lookups }, ownerId, conversationId, after ?? undefined, signal)
    },
    resolve: eventItself,
  }),
)
