import type { ReplyRequest } from '../../chat/chat.ts'
import type { Metadata } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { builder } from '../builder.ts'
import { MessagePartInput, partsOf } from '../message/message-part-input.ts'

const DEFAULT_CONTEXT_TOKENS = 3_000

const BusyPolicyRef = builder.enumType('BusyPolicy', {
  description: 'What to do when another reply is active in the conversation.',
  values: {
    REJECT: { description: 'Refuse, and say which reply it is.' },
    SUPERSEDE: { description: 'Stop that one, then go on.' },
    QUEUE: { description: 'Wait until those before it have ended.' },
  } as const,
})

const DisconnectPolicyRef = builder.enumType('DisconnectPolicy', {
  description: 'What becomes of a reply when the one that asked for it leaves.',
  values: {
    CONTINUE: { description: 'It is finished and stored; subscribe to it again at any time.' },
    CANCEL: { description: 'It is stopped at once.' },
  } as const,
})

/** The input of `sendMessage` and `startReply`. */
export const SendMessageInput = builder.inputType('SendMessageInput', {
  description:
    'What a model is to answer. With `content` or `parts` it is a new message of the user, and with `replaces` too a new version of one (an edit). With `replaces` alone the model answers once more in the place of a reply (regenerate). With none of the three it goes on from what is stored last, which must be a message of the user or results of tools. Exactly one of `conversationId` and `externalId`, and at most one of `content` and `parts`, is given.',
  fields: (t) => ({
    conversationId: t.id({ description: 'The conversation.' }),
    externalId: t.string({
      description:
        "The application's own id of the conversation; a message without `replaces` creates it when you have none with it.",
    }),
    content: t.string({ description: 'The text of the message, not empty, when it is nothing else.' }),
    parts: t.field({
      type: [MessagePartInput],
      description: 'All that the message says, in order, 1 to 100 parts. Without it and `content` there is no message.',
    }),
    replaces: t.id({
      description:
        'With `content` or `parts`: the message of the user of which this is a new version. Without: the reply in whose place the model answers once more; the old one makes way when the new one is stored, and stays when that is stopped or fails before its first word. The new version is on the active path then; what stood there is kept, see `selectVersion`. At most 1,000 times in a conversation.',
    }),
    clientMessageId: t.id({
      required: true,
      description:
        "The client's own id of the send and its message, unique in the conversation: sent again it joins the reply that it began. 1 to 256 characters.",
    }),
    author: t.string({ description: 'Who of several users wrote the message. 1 to 128 characters.' }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Kept with the message. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null.',
    }),
    model: t.string({
      description: 'The model; absent: that of the conversation, else the default of the server. 1 to 128 characters.',
    }),
    maxContextTokens: t.int({
      defaultValue: DEFAULT_CONTEXT_TOKENS,
      description:
        'The token budget of the context, what is answered included: from 1 to the MAX_CONTEXT_TOKENS of the server.',
    }),
    anchor: t.float({
      required: true,
      defaultValue: 0.25,
      description:
        'From 0 (off) to 0.5: the beginning of the context moves only in steps of this share of the budget, so that the prompt keeps a prefix that the provider can cache.',
    }),
    maxReplyTokens: t.int({ description: 'The most tokens that the model may write, at least 1.' }),
    modelOptions: t.field({
      type: 'JSON',
      description:
        'An object that is passed on to the model as it is, for instance {"temperature": 0}: at most 262,144 bytes of JSON, 100 keys of 64 characters and 32 levels. It may not set messages, model, n, prompt_cache_key, stream or stream_options.',
    }),
    onBusy: t.field({
      type: BusyPolicyRef,
      required: true,
      defaultValue: 'REJECT',
      description: 'What to do when another reply is active in the conversation.',
    }),
    onDisconnect: t.field({
      type: DisconnectPolicyRef,
      required: true,
      defaultValue: 'CONTINUE',
      description: 'What becomes of the reply when whoever sent this leaves the stream of `sendMessage`.',
    }),
  }),
})

/** The unchecked request: chat checks it. */
export function replyRequest(input: typeof SendMessageInput.$inferInput): ReplyRequest {
  const { parts, metadata, maxContextTokens, ...fields } = input
  return {
    ...omitUndefined(fields),
    maxTokens: maxContextTokens ?? DEFAULT_CONTEXT_TOKENS,
    ...(parts != null && { parts: partsOf(undefined, parts) }),
    ...(metadata != null && { metadata: metadata as Metadata }),
  }
}
