import { BadUserInputError, HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { Message, Metadata } from '../../memory/message.ts'
import { builder } from '../builder.ts'
import { MessageRef } from './message.ts'

const UpdateMessageInput = builder.inputType('UpdateMessageInput', {
  description:
    'A change of what the application keeps with a message, for instance feedback. What it says never changes.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The message.' }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Replaces all of it; null or absent removes it. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null.',
    }),
  }),
})

const UpdateMessageSuccess = builder.objectRef<{ message: Message }>('UpdateMessageSuccess').implement({
  description: 'The message is changed.',
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'The message as changed.' }) }),
})

builder.mutationField('updateMessage', (t) =>
  t.field({
    type: UpdateMessageSuccess,
    description: 'Changes what the application keeps with a message.',
    errors: {
      types: [BadUserInputError, HistoryUnavailableError, NotFoundError],
      union: { description: 'What updateMessage answers.' },
    },
    args: { input: t.arg({ type: UpdateMessageInput, required: true, description: 'The change.' }) },
    resolve: async (_, { input: { id, metadata } }, { ownerId, memory }) => ({
      // Unchecked here: memory refuses what is not flat.
      message: await memory.updateMessage(ownerId, id, (metadata ?? null) as Metadata | null),
    }),
  }),
)
