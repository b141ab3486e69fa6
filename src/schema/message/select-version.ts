import { HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { SelectedVersion } from '../../memory/versions/version-selector.ts'
import { builder } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { MessageRef } from './message.ts'

const SelectVersionSuccess = builder.objectRef<SelectedVersion>('SelectVersionSuccess').implement({
  description: 'The message is on the active path.',
  fields: (t) => ({
    conversation: t.expose('conversation', { type: ConversationRef, description: 'The conversation with that path.' }),
    message: t.expose('message', { type: MessageRef, description: 'The message.' }),
  }),
})

builder.mutationField('selectVersion', (t) =>
  t.field({
    type: SelectVersionSuccess,
    description:
      'Shows another version of a message: of the paths through it the one that was used last becomes active, for every reader. Contexts, lists and counts follow it, and appends go behind it. Nothing changes when the message is on the active path.',
    errors: {
      types: [HistoryUnavailableError, NotFoundError],
      union: { description: 'What selectVersion answers.' },
    },
    args: { messageId: t.arg.id({ required: true, description: 'The version, for instance one of `versions`.' }) },
    resolve: (_, { messageId }, { ownerId, memory }) => memory.selectVersion(ownerId, messageId),
  }),
)
