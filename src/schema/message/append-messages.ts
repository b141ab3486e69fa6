import {
  BadUserInputError,
  ClientMessageIdConflictError,
  HistoryUnavailableError,
  NotFoundError,
  RateLimitedError,
} from '../../errors.ts'
import type { Appended } from '../../memory/append/appender.ts'
import type { Metadata, NewMessage } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { builder } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { MessageRef, RoleRef } from './message.ts'
import { MessagePartInput, partsOf } from './message-part-input.ts'

const NewMessageInput = builder.inputType('NewMessageInput', {
  description: 'A message to be stored. It has `content`, `parts` or both.',
  fields: (t) => ({
    role: t.field({ type: RoleRef, required: true, description: 'Who speaks.' }),
    content: t.string({ description: 'Text, not empty; it becomes the first part.' }),
    parts: t.field({ type: [MessagePartInput], description: 'What else it says, in order. At most 100 parts.' }),
    clientMessageId: t.string({
      description:
        "The client's own id of it, unique in the conversation: the same message sent again is not stored twice; once it is redacted, any counts as the same. 1 to 256 characters.",
    }),
    author: t.string({ description: 'Who of several users, or which agent, wrote it. 1 to 128 characters.' }),
    metadata: t.field({
      type: 'JSON',
      description:
        'A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null.',
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was written; absent: now. For imports.' }),
  }),
})

const AppendMessagesInput = builder.inputType('AppendMessagesInput', {
  description: 'Messages to be stored at the end of the active path, or in the place of a message.',
  fields: (t) => ({
    conversationId: t.id({ required: true, description: 'The conversation.' }),
    messages: t.field({
      type: [NewMessageInput],
      required: true,
      description:
        'In order, 1 to 1,000. All are stored; after a failure a retry with the same client ids completes them.',
    }),
    replaces: t.id({
      description:
        'A message of which the first one is a new version, of the same role; the others follow it. They end the active path then; what stood there is kept, see `selectVersion`. At most 1,000 times in a conversation. A retry needs a client id of the first message: without one it makes another version.',
    }),
  }),
})

const AppendMessagesSuccess = builder.objectRef<Appended>('AppendMessagesSuccess').implement({
  description: 'All messages are stored.',
  fields: (t) => ({
    messages: t.expose('messages', { type: [MessageRef], description: 'As stored, in the order given.' }),
    created: t.int({
      description: 'How many of them are new; the others were stored before, under the same client ids.',
      resolve: ({ stored }) => stored.length,
    }),
    conversation: t.expose('conversation', {
      type: ConversationRef,
      description: 'The conversation with the messages.',
    }),
  }),
})

builder.mutationField('appendMessages', (t) =>
  t.field({
    type: AppendMessagesSuccess,
    extensions: { cost: { weight: 50, items: itemsOf } },
    description:
      'Stores messages at the end of the active path, or as a new version of a message (an edit), without asking a model. They are durable when this answers.',
    errors: {
      types: [
        BadUserInputError,
        ClientMessageIdConflictError,
        HistoryUnavailableError,
        NotFoundError,
        RateLimitedError,
      ],
      union: { description: 'What appendMessages answers.' },
    },
    args: { input: t.arg({ type: AppendMessagesInput, required: true, description: 'The messages.' }) },
    resolve: (_, { input }, { ownerId, connectionId, memory }) =>
      memory.appendMessages(
        ownerId,
        input.conversationId,
        input.messages.map(newMessage),
        input.replaces ?? undefined,
        connectionId,
      ),
  }),
)

/** As many messages are answered as are stored. */
function itemsOf({ input }: { input: { messages: readonly unknown[] } }): number {
  return input.messages.length
}

/** Metadata is unchecked here: memory refuses what is not flat. */
function newMessage(input: typeof NewMessageInput.$inferInput, index: number): NewMessage {
  const { content, parts, metadata, createdAt, ...fields } = input
  const field = `messages[${index}].content`
  if (content === '') throw new BadUserInputError(field, 'absent or at least one character', '""')
  if (content == null && parts == null) throw new BadUserInputError(field, 'given, or else `parts`', 'neither')
  return {
    ...omitUndefined(fields),
    parts: partsOf(content, parts),
    ...(metadata != null && { metadata: metadata as Metadata }),
    ...(createdAt != null && { createdAt: createdAt.getTime() }),
  }
}
