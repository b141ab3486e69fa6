import type { Conversation } from '../../memory/conversation.ts'
import { headHint } from '../../memory/conversation.ts'
import { builder, LOOKUP_COST, type OperationContext } from '../builder.ts'
import { NodeRef } from '../node.ts'

/** A conversation, or its id alone: the other fields are loaded when they are selected. */
export type KnownConversation = (Conversation | { id: string }) & { cursor?: string }

/** A conversation. Its lists and contexts are added by their own files. */
export const ConversationRef = builder.objectRef<KnownConversation>('Conversation').implement({
  description: 'A conversation between a person and a model, or several of each.',
  interfaces: [NodeRef],
  fields: (t) => ({
    externalId: t.string({
      nullable: true,
      description: "The application's own id of it, unique among your conversations.",
      resolve: fieldOf('externalId'),
    }),
    title: t.string({
      nullable: true,
      description: 'What it is called in lists.',
      resolve: fieldOf('title'),
    }),
    model: t.string({
      nullable: true,
      description: 'The model that answers in it; null: the default of the server.',
      resolve: fieldOf('model'),
    }),
    instructions: t.string({
      nullable: true,
      description: 'The system prompt that is put before the context when the model is asked.',
      resolve: fieldOf('instructions'),
    }),
    encoding: t.string({
      description: 'The encoding of the tokenizer that its messages are counted with.',
      resolve: fieldOf('encoding'),
    }),
    metadata: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the application keeps with it: a flat object.',
      resolve: fieldOf('metadata'),
    }),
    messageCount: t.int({
      extensions: { cost: LOOKUP_COST },
      description: 'How many messages the active path has.',
      resolve: async (parent, _, context) => (await context.loaders.head(await loaded(parent, context))).sequence,
    }),
    tokenCount: t.int({
      extensions: { cost: LOOKUP_COST },
      description: 'The tokens of all messages of the active path.',
      resolve: async (parent, _, context) => (await context.loaders.head(await loaded(parent, context))).tokens,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: fieldOf('createdAt'),
    }),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the newest message arrived, up to a moment ago; null before the first. Lists are sorted by it.',
      resolve: async (parent, _, context) => lastMessageAt(await loaded(parent, context)),
    }),
    archivedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; null when it is not.',
      resolve: fieldOf('archivedAt'),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'From then on it is gone for every reader; a stream that is open goes on for up to a minute or two. Null: it stays.',
      resolve: fieldOf('expiresAt'),
    }),
    cursor: t.string({
      extensions: { cost: LOOKUP_COST },
      description:
        'Opaque. Subscribing to `conversationEvents` `after` it yields all that happened since what this operation read of the conversation: select it with what you load, under `conversation`, `conversations`, `node` or `recentContext`, and nothing is lost between.',
      resolve: (parent, _, context) => cursorOf(parent, context),
    }),
  }),
})

/** The conversation itself; rejects with NotFoundError when it was deleted meanwhile. */
export async function loaded(known: KnownConversation, { loaders }: OperationContext): Promise<Conversation> {
  return 'ownerId' in known ? known : loaders.existingConversation(known.id)
}

/** Resolves to a field of the conversation itself. */
function fieldOf<Name extends keyof Conversation>(name: Name) {
  return async (known: KnownConversation, _: object, context: OperationContext) => (await loaded(known, context))[name]
}

function lastMessageAt(conversation: Conversation): number | undefined {
  return headHint(conversation, conversation.activeBranch).sequence > 0 ? conversation.lastMessageAt : undefined
}

async function cursorOf(known: KnownConversation, context: OperationContext): Promise<string> {
  if (known.cursor !== undefined) return known.cursor
  const [cursor = ''] = await context.memory.readCursors([await loaded(known, context)])
  return cursor
}
