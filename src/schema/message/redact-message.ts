import { HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { Message } from '../../memory/message.ts'
import { builder } from '../builder.ts'
import { MessageRef } from './message.ts'

const RedactMessageSuccess = builder.objectRef<{ message: Message }>('RedactMessageSuccess').implement({
  description: 'What the message said is gone.',
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'What is left of it.' }) }),
})

builder.mutationField('redactMessage', (t) =>
  t.field({
    type: RedactMessageSuccess,
    description:
      'Removes what a message says, for good, also where caches and replies hold it. Its place, its `tokenCount` and its metadata stay, of its parts only the ids and names of tool calls; `chatMessages` reads "[redacted]". Other versions are messages of their own.',
    errors: {
      types: [HistoryUnavailableError, NotFoundError],
      union: { description: 'What redactMessage answers.' },
    },
    args: { id: t.arg.id({ required: true, description: 'The message.' }) },
    resolve: async (_, { id }, { ownerId, memory }) => ({ message: await memory.redactMessage(ownerId, id) }),
  }),
)
