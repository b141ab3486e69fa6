import type { Message } from '../../memory/message.ts'
import { builder, type OperationContext } from '../builder.ts'
import { connectionOf, pageArguments } from '../connection.ts'
import { ConversationRef, type KnownConversation, loaded } from '../conversation/conversation.ts'
import { type CursorCodec, PAGE_COST, type Page, type PageArguments, readPage } from '../page.ts'
import { MessageRef } from './message.ts'

const sequenceCodec: CursorCodec<Message, number> = {
  encode: ({ sequence }) => `message ${sequence}`,
  decode(text) {
    const sequence = Number(/^message ([1-9]\d{0,14})$/.exec(text)?.[1])
    return Number.isNaN(sequence) ? undefined : sequence
  },
}

builder.objectField(ConversationRef, 'messages', (t) =>
  t.field({
    type: connectionOf('Message', MessageRef),
    extensions: { cost: PAGE_COST },
    description: 'The messages of the active path, oldest first.',
    args: pageArguments,
    resolve: (parent, args, context) => readMessagePage(parent, args, context),
  }),
)

async function readMessagePage(
  parent: KnownConversation,
  args: PageArguments,
  context: OperationContext,
): Promise<Page<Message>> {
  const conversation = await loaded(parent, context)
  return readPage(args, sequenceCodec, ({ after, before, limit, from }) =>
    context.memory.readMessages(conversation, {
      afterSequence: after ?? 0,
      beforeSequence: before ?? Number.MAX_SAFE_INTEGER,
      limit,
      from: from === 'START' ? 'OLDEST' : 'NEWEST',
    }),
  )
}
