import {
  BadUserInputError,
  HistoryUnavailableError,
  NotFoundError,
  RateLimitedError,
  ReplyRejectedError,
} from '../../errors.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import { eventItself } from '../../plans/planned-subscription.ts'
import { builder, type OperationContext } from '../builder.ts'
import { ReplyRef } from './reply.ts'
import { ReplyEventRef } from './reply-event.ts'
import { replyRequest, SendMessageInput } from './send-message-input.ts'

builder.subscriptionFields((t) => ({
  sendMessage: t.field({
    type: ReplyEventRef,
    description:
      'Stores a message of the user, at the end of the active path or as a new version (`replaces`), and streams the answer of a model to it. Without `content` and `parts` nothing is stored first: a reply is made again (`replaces`), or the model goes on from what is stored last. Subscribing again with the same `clientMessageId` joins the same reply, from its beginning.',
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'What is to be answered.' }) },
    subscribe: (_, { input }, { ownerId, connectionId: source, chat, controller }) =>
      chat.send(ownerId, { ...replyRequest(input), source }, controller.signal),
    resolve: eventItself,
  }),
  reply: t.field({
    type: ReplyEventRef,
    description: 'Streams a reply, while it runs and after, on any node. Exactly one of the ids is given.',
    args: {
      id: t.arg.id({ description: 'The reply.' }),
      conversationId: t.arg.id({ description: 'Of this conversation the active reply, else the newest.' }),
      after: t.arg.string({ description: 'The cursor of the last event that was seen; null: from the beginning.' }),
    },
    subscribe: (_, { id, conversationId, after }, { ownerId, chat, controller }) =>
      chat.follow(
        ownerId,
        { ...(id != null && { id }), ...(conversationId != null && { conversationId }) },
        after ?? null,
        controller.signal,
      ),
    resolve: eventItself,
  }),
}))

const StartReplySuccess = builder.objectRef<{ reply: ReplyRecord }>('StartReplySuccess').implement({
  description: 'The reply is begun, or waits in the queue. The same sent again has the same reply.',
  fields: (t) => ({ reply: t.expose('reply', { type: ReplyRef, description: 'The reply.' }) }),
})

const CancelReplySuccess = builder.objectRef<{ reply: ReplyRecord }>('CancelReplySuccess').implement({
  description: 'The reply is being stopped, or has ended.',
  fields: (t) => ({
    reply: t.expose('reply', {
      type: ReplyRef,
      description: 'The reply as it stands now. Its streams tell how it ends.',
    }),
  }),
})

builder.mutationFields((t) => ({
  startReply: t.field({
    type: StartReplySuccess,
    description:
      'Does what `sendMessage` does (a new message, an edit, a reply made again, or going on), without a stream; subscribe to `reply` for one.',
    errors: {
      types: [BadUserInputError, HistoryUnavailableError, NotFoundError, RateLimitedError, ReplyRejectedError],
      union: { description: 'What startReply answers.' },
    },
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'What is to be answered.' }) },
    resolve: async (_, { input }, { ownerId, connectionId: source, chat }) => ({
      reply: await chat.start(ownerId, { ...replyRequest(input), source }),
    }),
  }),
  cancelReply: t.field({
    type: CancelReplySuccess,
    description: 'Stops a reply, on whichever node it runs. What was written by then is stored.',
    errors: {
      types: [HistoryUnavailableError, NotFoundError],
      union: { description: 'What cancelReply answers.' },
    },
    args: { id: t.arg.id({ required: true, description: 'The reply.' }) },
    resolve: (_, { id }, context) => cancelReply(id, context),
  }),
}))

async function cancelReply(id: string, { ownerId, chat }: OperationContext): Promise<{ reply: ReplyRecord }> {
  return { reply: await chat.cancel(ownerId, id) }
}
