import {
  type FieldNode,
  type GraphQLResolveInfo,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { Conversation } from '../../memory/conversation.ts'
import type { OperationContext } from '../builder.ts'

/** A conversation with the cursor that was read before it. */
export type CursoredConversation = Conversation & { cursor?: string }

/**
 * The conversations as they read after their cursors, where the operation selects cursors: whatever is read of
 * them later is then no older than the cursor. One more round trip to the cache and one to the history.
 */
export async function withCursors(
  conversations: readonly Conversation[],
  { ownerId, memory }: OperationContext,
  info: GraphQLResolveInfo,
): Promise<readonly CursoredConversation[]> {
  if (conversations.length === 0 || !selectsCursor(info)) return conversations
  const cursors = await memory.readCursors(conversations)
  const found = await memory.findConversations(
    ownerId,
    conversations.map(({ id }) => id),
  )
  return conversations.map((conversation, index) => ({
    ...(found[index] ?? conversation),
    cursor: cursors[index] ?? '',
  }))
}

const selections = new WeakMap<OperationDefinitionNode, boolean>()

/** Whether the operation selects the cursor of any conversation. */
export function selectsCursor({ operation, fragments, schema }: GraphQLResolveInfo): boolean {
  const known = selections.get(operation)
  if (known !== undefined) return known
  const types = new TypeInfo(schema)
  let isSelected = false
  const visitor = {
    Field({ name }: FieldNode) {
      if (name.value === 'cursor' && types.getParentType()?.name === 'Conversation') isSelected = true
    },
  }
  const nodes = [operation, ...Object.values(fragments).flatMap((fragment) => fragment ?? [])]
  for (const node of nodes) visit(node, visitWithTypeInfo(types, visitor))
  selections.set(operation, isSelected)
  return isSelected
}
