import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../../memory/context.ts'
import { builder, type OperationContext } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { selectsCursor, withCursors } from '../conversation/conversation-cursor.ts'
import { CONTEXT_COST, contextArguments } from './context-arguments.ts'
import { RecentContextRef } from './recent-context.ts'

builder.queryField('recentContext', (t) =>
  t.field({
    type: RecentContextRef,
    extensions: { cost: CONTEXT_COST },
    description:
      'The newest messages of a conversation that fit a token budget. The work follows the budget, never the length of the conversation; all contexts of one request are one round trip to the cache.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      ...contextArguments,
    },
    resolve: (_, args, context, info) =>
      selectsCursor(info) ? readWithCursor(args, context, info) : context.loaders.context(args),
  }),
)

async function readWithCursor(
  args: Parameters<OperationContext['loaders']['context']>[0],
  context: OperationContext,
  info: GraphQLResolveInfo,
): Promise<Context & { cursor?: string }> {
  const found = await context.loaders.existingConversation(args.conversationId)
  const [conversation] = await withCursors([found], context, info)
  const read = await context.loaders.context(args)
  return conversation?.cursor === undefined ? read : { ...read, cursor: conversation.cursor }
}

builder.objectField(ConversationRef, 'recentContext', (t) =>
  t.field({
    type: RecentContextRef,
    extensions: { cost: CONTEXT_COST },
    description: 'The newest messages that fit a token budget.',
    args: contextArguments,
    resolve: ({ id }, args, { loaders }) => loaders.context({ conversationId: id, ...args }),
  }),
)
