import { builder } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { contextArguments } from './context-arguments.ts'
import { RecentContextRef } from './recent-context.ts'

builder.queryField('recentContext', (t) =>
  t.field({
    type: RecentContextRef,
    description:
      'The newest messages of a conversation that fit a token budget. The work follows the budget, never the length of the conversation; all contexts of one request are one round trip to the cache.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      ...contextArguments,
    },
    resolve: (_, args, { loaders }) => loaders.context(args),
  }),
)

builder.objectField(ConversationRef, 'recentContext', (t) =>
  t.field({
    type: RecentContextRef,
    description: 'The newest messages that fit a token budget.',
    args: contextArguments,
    resolve: ({ id }, args, { loaders }) => loaders.context({ conversationId: id, ...args }),
  }),
)
