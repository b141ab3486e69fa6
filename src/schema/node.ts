import type { GraphQLResolveInfo } from 'graphql'
import { BadUserInputError } from '../errors.ts'
import { conversationOfReply, isConversationId, placeOf } from '../memory/ids.ts'
import { builder, LOOKUP_COST, MESSAGE_COST, type OperationContext } from './builder.ts'
import { withCursors } from './conversation/conversation-cursor.ts'

const MAX_NODES = 100

/** The interface of everything that can be fetched by its id. */
export const NodeRef = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that can be fetched again by its id.',
  resolveType: ({ id }) => typeOf(id),
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Opaque, and unique among all objects.' }),
  }),
})

builder.queryFields((t) => ({
  node: t.field({
    type: NodeRef,
    nullable: true,
    extensions: { cost: MESSAGE_COST },
    description: 'The object with this id; null when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'The id of a conversation, a message or a reply.' }) },
    resolve: (_, { id }, context, info) => loadNode(id, context, info),
  }),
  nodes: t.field({
    type: [NodeRef],
    extensions: { cost: { ...LOOKUP_COST, items: countOf, pages: (args: Ids) => MESSAGE_COST.pages * countOf(args) } },
    nullable: { list: false, items: true },
    description: `The objects with these ids, in the same order, null where there is none for you. At most ${MAX_NODES}.`,
    args: { ids: t.arg.idList({ required: true, description: 'Ids of conversations, messages and replies.' }) },
    resolve: (_, { ids }, context, info) => loadNodes(ids, context, info),
  }),
}))

interface Ids {
  ids: readonly string[]
}

function countOf({ ids }: Ids): number {
  return ids.length
}

function loadNodes(ids: readonly string[], context: OperationContext, info: GraphQLResolveInfo) {
  if (ids.length > MAX_NODES) throw new BadUserInputError('ids', `at most ${MAX_NODES} ids`, String(ids.length))
  return ids.map((id) => loadNode(id, context, info))
}

async function loadNode(
  id: string,
  context: OperationContext,
  info: GraphQLResolveInfo,
): Promise<{ id: string } | undefined> {
  const { loaders } = context
  const type = typeOf(id)
  if (type === 'Conversation') {
    const found = await loaders.conversation(id)
    return found && (await withCursors([found], context, info))[0]
  }
  if (type === 'Message') return loaders.message(id)
  return type && loaders.reply(id)
}

function typeOf(id: string): 'Conversation' | 'Message' | 'Reply' | undefined {
  if (isConversationId(id)) return 'Conversation'
  if (conversationOfReply(id) !== undefined) return 'Reply'
  return placeOf(id) === undefined ? undefined : 'Message'
}
