import { HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { Memory } from '../../memory/memory.ts'
import { builder } from '../builder.ts'

const DeleteConversationSuccess = builder.objectRef<{ deletedId: string }>('DeleteConversationSuccess').implement({
  description: 'The conversation is gone for every reader; its messages are removed in the background.',
  fields: (t) => ({ deletedId: t.exposeID('deletedId', { description: 'The id that it had.' }) }),
})

builder.mutationField('deleteConversation', (t) =>
  t.field({
    type: DeleteConversationSuccess,
    description: 'Deletes a conversation with all its messages, for good.',
    errors: {
      types: [HistoryUnavailableError, NotFoundError],
      union: { description: 'What deleteConversation answers.' },
    },
    args: { id: t.arg.id({ required: true, description: 'The conversation.' }) },
    resolve: (_, { id }, { ownerId, memory }) => deleteConversation(memory, ownerId, id),
  }),
)

async function deleteConversation(memory: Memory, ownerId: string, id: string): Promise<{ deletedId: string }> {
  await memory.deleteConversation(ownerId, id)
  return { deletedId: id }
}
