import { BadUserInputError, ExternalIdTakenError, HistoryUnavailableError } from '../../errors.ts'
import type { NewConversation } from '../../memory/conversation.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Metadata } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { builder } from '../builder.ts'
import { ConversationRef } from './conversation.ts'

type Created = Awaited<ReturnType<Memory['createConversation']>>

const IfExistsRef = builder.enumType('IfExists', {
  description: 'What to do when one of your conversations has the external id already.',
  values: {
    FAIL: { description: 'Answer with ExternalIdTakenError.' },
    RETURN: { description: 'Return that conversation as it is.' },
  } as const,
})

const CreateConversationInput = builder.inputType('CreateConversationInput', {
  description: 'A conversation to be created.',
  fields: (t) => ({
    externalId: t.string({
      description: "The application's own id of it, unique among your conversations. 1 to 256 characters.",
    }),
    ifExists: t.field({
      type: IfExistsRef,
      required: true,
      defaultValue: 'FAIL',
      description: 'What to do when one of your conversations has the external id already.',
    }),
    title: t.string({ description: 'What it is called in lists. At most 512 characters.' }),
    model: t.string({
      description: 'The model that answers in it; absent: the default of the server. 1 to 128 characters.',
    }),
    instructions: t.string({ description: 'The system prompt put before the context. At most 65,536 characters.' }),
    encoding: t.string({
      description:
        'The tokenizer encoding to count its messages with: o200k_base (the default) or an older one. It cannot be changed.',
    }),
    metadata: t.field({
      type: 'JSON',
      description:
        'A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From then on it is gone for every reader; absent: it stays.',
    }),
  }),
})

type Input = typeof CreateConversationInput.$inferInput

const CreateConversationSuccess = builder.objectRef<Created>('CreateConversationSuccess').implement({
  description: 'The conversation is there.',
  fields: (t) => ({
    conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation.' }),
    created: t.exposeBoolean('created', {
      description: 'Whether it is new; false when `ifExists` returned an old one.',
    }),
  }),
})

builder.mutationField('createConversation', (t) =>
  t.field({
    type: CreateConversationSuccess,
    description: 'Creates a conversation.',
    errors: {
      types: [BadUserInputError, ExternalIdTakenError, HistoryUnavailableError],
      union: { description: 'What createConversation answers.' },
    },
    args: { input: t.arg({ type: CreateConversationInput, required: true, description: 'The conversation.' }) },
    resolve: (_, { input }, { ownerId, memory }) =>
      memory.createConversation(ownerId, newConversation(input), input.ifExists),
  }),
)

/** Metadata is unchecked here: memory refuses what is not flat. */
function newConversation({ ifExists: _, expiresAt, metadata, ...fields }: Input): NewConversation {
  return {
    ...omitUndefined(fields),
    ...(metadata != null && { metadata: metadata as Metadata }),
    ...(expiresAt != null && { expiresAt: expiresAt.getTime() }),
  }
}
