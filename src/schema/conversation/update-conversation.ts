import { BadUserInputError, HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { Conversation, ConversationChanges } from '../../memory/conversation.ts'
import type { Metadata } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { builder } from '../builder.ts'
import { ConversationRef } from './conversation.ts'

const UpdateConversationInput = builder.inputType('UpdateConversationInput', {
  description: 'Changes of a conversation: absent leaves a value as it is, null removes it.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The conversation.' }),
    title: t.string({ description: 'What it is called in lists. At most 512 characters.' }),
    model: t.string({
      description: 'The model that answers in it; null: the default of the server. 1 to 128 characters.',
    }),
    instructions: t.string({ description: 'The system prompt put before the context. At most 65,536 characters.' }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Replaces all of it. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null.',
    }),
    archived: t.boolean({ description: 'Whether it is out of the list of those in use. Null leaves it as it is.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description:
        'From then on it is gone for every reader; a stream that is open goes on for up to a minute or two. Null: it stays.',
    }),
  }),
})

type Input = typeof UpdateConversationInput.$inferInput

const UpdateConversationSuccess = builder
  .objectRef<{ conversation: Conversation }>('UpdateConversationSuccess')
  .implement({
    description: 'The conversation is changed.',
    fields: (t) => ({
      conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation as changed.' }),
    }),
  })

builder.mutationField('updateConversation', (t) =>
  t.field({
    type: UpdateConversationSuccess,
    description: 'Changes what is known about a conversation.',
    errors: {
      types: [BadUserInputError, HistoryUnavailableError, NotFoundError],
      union: { description: 'What updateConversation answers.' },
    },
    args: { input: t.arg({ type: UpdateConversationInput, required: true, description: 'The changes.' }) },
    resolve: async (_, { input }, { ownerId, memory }) => ({
      conversation: await memory.updateConversation(ownerId, input.id, changesOf(input, Date.now())),
    }),
  }),
)

/** Metadata is unchecked here: memory refuses what is not flat. */
function changesOf({ id: _, archived, expiresAt, metadata, ...fields }: Input, now: number): ConversationChanges {
  return {
    ...omitUndefined(fields, 'KEEP_NULL'),
    ...(metadata !== undefined && { metadata: metadata as Metadata | null }),
    ...(archived != null && { archivedAt: archived ? now : null }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt?.getTime() ?? null }),
  }
}
