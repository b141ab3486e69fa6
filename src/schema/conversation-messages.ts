import type { Memory } from '../memory/memory.ts'
import type { Message } from '../memory/message.ts'
import { type CursorCodec, type Page, type PageArguments, readPage } from '../memory/page.ts'
import { builder } from './builder.ts'
import { connectionOf, pageArguments } from './connection.ts'
import { ConversationRef } from './conversation.ts'
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
    description: 'The messages of the active path, oldest first.',
    args: pageArguments,
    resolve: ({ id }, args, { ownerId, memory }) => readMessagePage(memory, ownerId, id, args),
  }),
)

function readMessagePage(memory: Memory, ownerId: string, id: string, args: PageArguments): Promise<Page<Message>> {
  return readPage(args, sequenceCodec, ({ after, before, limit, from }) =>
    memory.readMessages(ownerId, {
      conversationId: id,
      afterSequence: after ?? 0,
      beforeSequence: before ?? Number.MAX_SAFE_INTEGER,
      limit,
      from: from === 'START' ? 'OLDEST' : 'NEWEST',
    }),
  )
}
