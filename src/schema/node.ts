import { BadUserInputError } from '../errors.ts'
import { isConversationId, placeOf } from '../memory/ids.ts'
import { builder, type OperationContext } from './builder.ts'

const MAX_NODES = 100

/** The interface of everything that has an id of its own. */
export const NodeRef = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that can be fetched again by its id.',
  resolveType: ({ id }) => (isConversationId(id) ? 'Conversation' : 'Message'),
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Opaque, and unique among all objects. Ids sort by their creation.' }),
  }),
})

builder.queryFields((t) => ({
  node: t.field({
    type: NodeRef,
    nullable: true,
    description: 'The object with this id; null when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'The id of a conversation or a message.' }) },
    resolve: (_, { id }, context) => loadNode(id, context),
  }),
  nodes: t.field({
    type: [NodeRef],
    nullable: { list: false, items: true },
    description: `The objects with these ids, in the same order, null where there is none for you. At most ${MAX_NODES}.`,
    args: { ids: t.arg.idList({ required: true, description: 'Ids of conversations and messages.' }) },
    resolve: (_, { ids }, context) => loadNodes(ids, context),
  }),
}))

function loadNodes(ids: readonly string[], context: OperationContext) {
  if (ids.length > MAX_NODES) throw new BadUserInputError('ids', `at most ${MAX_NODES} ids`, String(ids.length))
  return ids.map((id) => loadNode(id, context))
}

async function loadNode(id: string, { loaders }: OperationContext): Promise<{ id: string } | undefined> {
  if (isConversationId(id)) return loaders.conversation(id)
  return placeOf(id) === undefined ? undefined : loaders.message(id)
}
