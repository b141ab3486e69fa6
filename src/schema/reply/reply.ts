import { saidBy } from '../../chat/end/reply-message.ts'
import { encodeReplyCursor } from '../../chat/follow/reply-event.ts'
import type { ReplyOutcome, ReplyRecord } from '../../memory/history/reply-record.ts'
import { builder, LOOKUP_COST, MESSAGE_COST, type OperationContext } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { MessageRef } from '../message/message.ts'
import { NodeRef } from '../node.ts'
import { StatusRef } from '../status.ts'
import { ReplyErrorCodeRef } from './reply-error-code.ts'

/** Why a reply failed, or was refused while it waited. */
const ReplyErrorRef = builder.objectRef<Extract<ReplyOutcome, { code: string }>>('ReplyError').implement({
  description: 'Why a reply failed, or was refused while it waited.',
  fields: (t) => ({
    code: t.expose('code', { type: ReplyErrorCodeRef, description: 'Why, for programs.' }),
    detail: t.exposeString('detail', { description: 'Why, for people.' }),
    retryable: t.boolean({
      description: 'Whether asking once more makes sense; with another client id, since this one is used.',
      resolve: (error) => error.type === 'FAILED' && error.retryable,
    }),
    retryAfterMs: t.int({
      nullable: true,
      description: 'After how many milliseconds the provider of the model allows it; null when it did not say.',
      resolve: (error) => (error.type === 'FAILED' ? error.retryAfterMs : undefined),
    }),
  }),
})

/** A reply, while it runs and after. */
export const ReplyRef = builder.objectRef<ReplyRecord>('Reply').implement({
  description: 'The answer of a model to one question, while it is written and after.',
  interfaces: [NodeRef],
  fields: (t) => ({
    status: t.field({ type: StatusRef, description: 'How far it is.', resolve: statusOf }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it was asked for.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
    question: t.field({
      type: MessageRef,
      nullable: true,
      extensions: { cost: MESSAGE_COST },
      description:
        'What is answered: the message that was sent, or else one that was stored before (of the user, or results of tools). Null until it is known, as while it waits in the queue.',
      resolve: ({ questionId }, _, { loaders }) => (questionId === undefined ? null : loaders.message(questionId)),
    }),
    message: t.field({
      type: MessageRef,
      nullable: true,
      extensions: { cost: MESSAGE_COST },
      description: 'What the model said; null while it runs, and when it ended without a word.',
      resolve: ({ messageId }, _, { loaders }) => (messageId === undefined ? null : loaders.message(messageId)),
    }),
    text: t.string({
      extensions: { cost: MESSAGE_COST },
      description:
        'The text so far: on another node than its own up to a moment ago. The whole text once it has ended, as its message has it; empty where that was redacted, or deleted while it was read.',
      resolve: textOf,
    }),
    error: t.field({
      type: ReplyErrorRef,
      nullable: true,
      description: 'Why it failed, or was refused while it waited; null when neither is so.',
      resolve: ({ outcome }) => (outcome?.type === 'FAILED' || outcome?.type === 'REJECTED' ? outcome : null),
    }),
    cursor: t.string({
      extensions: { cost: LOOKUP_COST },
      description: 'Opaque. Subscribing to the reply `after` it yields what comes behind `text`, up to how it ended.',
      resolve: cursorOf,
    }),
  }),
})

builder.queryField('reply', (t) =>
  t.field({
    type: ReplyRef,
    nullable: true,
    extensions: { cost: LOOKUP_COST },
    description: 'One of your replies; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The reply.' }) },
    resolve: (_, { id }, { ownerId, chat }) => chat.find(ownerId, id),
  }),
)

builder.objectField(ConversationRef, 'activeReply', (t) =>
  t.field({
    type: ReplyRef,
    nullable: true,
    extensions: { cost: LOOKUP_COST },
    description: 'The reply that a model is writing now; null when there is none.',
    resolve: ({ id }, _, { loaders }) => loaders.activeReply(id),
  }),
)

builder.objectField(ConversationRef, 'lastReply', (t) =>
  t.field({
    type: ReplyRef,
    nullable: true,
    extensions: { cost: LOOKUP_COST },
    description:
      'The reply that was asked for last, whether it waits, runs or has ended: after a reload, how the last question ended. Null before the first.',
    resolve: ({ id }, _, { loaders }) => loaders.lastReply(id),
  }),
)

builder.objectField(MessageRef, 'reply', (t) =>
  t.field({
    type: ReplyRef,
    nullable: true,
    extensions: { cost: LOOKUP_COST },
    description:
      'The reply that wrote it; of a message of the user the reply that was asked for with it. Null for what no reply wrote or answers.',
    resolve: (message, _, { ownerId, chat, loaders }) =>
      message.replyId === undefined ? chat.findOfMessage(ownerId, message) : loaders.reply(message.replyId),
  }),
)

function statusOf({ phase, outcome }: ReplyRecord): typeof StatusRef.$inferType {
  if (phase === 'QUEUED') return 'QUEUED'
  return (phase === 'ENDED' && outcome?.type) || 'RUNNING'
}

async function textOf(reply: ReplyRecord, _: object, { loaders }: OperationContext): Promise<string> {
  const { messageId } = reply
  // Deleted since the reply was found it says nothing any more: an error would take the rest of a list along, or end a stream.
  const message = messageId === undefined ? undefined : await loaders.message(messageId)
  return saidBy(reply, message).text
}

/** The parts that are not text come again: the reply itself does not show them. */
async function cursorOf(reply: ReplyRecord, args: object, context: OperationContext): Promise<string> {
  const { length: offset } = await textOf(reply, args, context)
  return encodeReplyCursor({
    isStarted: reply.questionId !== undefined,
    offset,
    reasoningOffset: 0,
    partCount: 0,
    isEnded: false,
  })
}
