import { BadUserInputError } from '../../errors.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { ListedConversation } from '../../memory/conversations.ts'
import type { ConversationKey } from '../../memory/history/history.ts'
import { isConversationId } from '../../memory/ids.ts'
import type { Memory } from '../../memory/memory.ts'
import { builder, LOOKUP_COST, type OperationContext } from '../builder.ts'
import { connectionOf, pageArguments } from '../connection.ts'
import { type CursorCodec, PAGE_COST, type Page, type PageArguments, readPage } from '../page.ts'
import { ConversationRef } from './conversation.ts'
import { withCursors } from './conversation-cursor.ts'

const keyCodec: CursorCodec<ListedConversation, ConversationKey> = {
  encode: ({ key: { lastMessageAt, id } }) => `conversation ${lastMessageAt} ${id}`,
  decode(text) {
    const [, time, id] = /^conversation (\d{1,15}) (\S+)$/.exec(text) ?? []
    return id !== undefined && isConversationId(id) ? { lastMessageAt: Number(time), id } : undefined
  },
}

builder.queryFields((t) => ({
  conversation: t.field({
    type: ConversationRef,
    nullable: true,
    extensions: { cost: LOOKUP_COST },
    description: "One of your conversations, by its id or by the application's own id of it; null when there is none.",
    args: {
      id: t.arg.id({ description: 'The id. Exactly one of the two is given.' }),
      externalId: t.arg.string({ description: "The application's own id." }),
    },
    async resolve(_, { id, externalId }, context, info) {
      const found = await findConversation(id, externalId, context)
      return found && (await withCursors([found], context, info))[0]
    },
  }),
  conversations: t.field({
    type: connectionOf('Conversation', ConversationRef),
    extensions: { cost: PAGE_COST },
    description: 'Your conversations, those with the newest messages first.',
    args: {
      ...pageArguments,
      archived: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether to list those that are archived instead of those that are not.',
      }),
    },
    async resolve(_, { archived, ...args }, context, info) {
      const page = await readConversationPage(context.memory, context.ownerId, archived, args)
      const nodes = page.edges.map(({ node }) => node.conversation)
      const known = await withCursors(nodes, context, info)
      return {
        ...page,
        edges: page.edges.map((edge, index) => ({ ...edge, node: known[index] ?? edge.node.conversation })),
      }
    },
  }),
}))

async function findConversation(
  id: string | null | undefined,
  externalId: string | null | undefined,
  { ownerId, memory, loaders }: OperationContext,
): Promise<Conversation | undefined> {
  if (id != null && externalId == null) return isConversationId(id) ? loaders.conversation(id) : undefined
  if (id == null && externalId != null) return memory.findConversationByExternalId(ownerId, externalId)
  throw new BadUserInputError('id', 'given, or else `externalId`, and not both', id == null ? 'neither' : 'both')
}

/** The list begins with the newest, so the cursor before a page is its newer bound. */
function readConversationPage(
  memory: Memory,
  ownerId: string,
  archived: boolean,
  args: PageArguments,
): Promise<Page<ListedConversation>> {
  return readPage(args, keyCodec, async ({ after, before, limit, from }) => {
    const items = await memory.listConversations({
      ownerId,
      archived,
      limit,
      from: from === 'START' ? 'NEWEST' : 'OLDEST',
      ...(after !== undefined && { newer: after }),
      ...(before !== undefined && { older: before }),
    })
    return { items, isShortened: false }
  })
}
