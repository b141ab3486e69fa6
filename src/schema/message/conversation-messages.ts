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
    extensions: { cost: { ...PAGE_COST, pages: 1 } },
    description:
      'The messages of the active path, oldest first. A page of long messages has fewer than were asked for, one at least: `pageInfo` says whether there are more.',
    args: pageArguments,
    resolve: (parent, args, context, info) => readMessagePage(parent, args, context, info.getAbortSignal()),
  }),
)

async function readMessagePage(
  parent: KnownConversation,
  args: PageArguments,
  context: OperationContext,
  signal: AbortSignal | undefined,
): Promise<Page<Message>> {
  const conversation = await loaded(parent, context)
  const { memory, pages } = context
  return readPage(args, sequenceCodec, async ({ after = 0, before = Number.MAX_SAFE_INTEGER, limit, from }) => {
    const bounds = { afterSequence: after, beforeSequence: before, limit, maxLength: pages.maxLength }
    const range = { ...bounds, from: from === 'START' ? ('OLDEST' as const) : ('NEWEST' as const) }
    const { messages, isShortened } = await pages.read(() => memory.readMessages(conversation, range), signal)
    return { items: messages, isShortened }
  })
}
