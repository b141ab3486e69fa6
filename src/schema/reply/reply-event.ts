import type { ReplyEvent } from '../../chat/follow/reply-event.ts'
import { builder } from '../builder.ts'
import { RecentContextRef } from '../context/recent-context.ts'
import { MessageRef } from '../message/message.ts'
import { MessagePartRef } from '../message/message-part.ts'
import { ReplyErrorCodeRef } from './reply-error-code.ts'

type EventOf<Type extends ReplyEvent['type']> = Extract<ReplyEvent, { type: Type }>

const InterruptReasonRef = builder.enumType('InterruptReason', {
  description: 'Why a reply was stopped.',
  values: {
    CANCELLED: { description: 'By cancelReply.' },
    SUPERSEDED: { description: 'By another question that wanted to take its place.' },
    DISCONNECTED: { description: 'Whoever asked left, and wanted it to end then.' },
    SHUTDOWN: { description: 'Its node was stopped.' },
    NODE_LOST: {
      description: 'Its node was lost. The stored text counts: a subscriber may have seen a little more of it.',
    },
    TIMEOUT: { description: 'It took longer than a reply may take.' },
  } as const,
})

/** The interface of all events in the stream of a reply. */
export const ReplyEventRef = builder.interfaceRef<ReplyEvent>('ReplyEvent').implement({
  description:
    'Something that happened to a reply. A stream ends with exactly one of ReplyCompleted, ReplyInterrupted, ReplyFailed and ReplyRejected. Ignore types that you do not know: there will be more.',
  resolveType: ({ type }) => type,
  fields: (t) => ({
    replyId: t.exposeID('replyId', {
      nullable: true,
      description: 'The reply; null only in a ReplyRejected, when there is none.',
    }),
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribing to the reply `after` it yields exactly the rest.',
    }),
  }),
})

builder.objectRef<EventOf<'ReplyQueued'>>('ReplyQueued').implement({
  description: 'The question waits until those before it are answered.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({ position: t.exposeInt('position', { description: 'Its place in the queue; 1 is next.' }) }),
})

builder.objectRef<EventOf<'ReplyStarted'>>('ReplyStarted').implement({
  description: 'What is answered is stored, and the model is asked.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    question: t.expose('question', {
      type: MessageRef,
      description: 'What is answered, as stored: see `Reply.question`.',
    }),
    context: t.expose('context', {
      type: RecentContextRef,
      description: 'What the model is given, the question included; the instructions come before it.',
    }),
    model: t.exposeString('model', { description: 'The model that is asked.' }),
  }),
})

builder.objectRef<EventOf<'ReplyDelta'>>('ReplyDelta').implement({
  description:
    'More of the text. Placed as `text.slice(0, offset) + delta.text` it may come twice and changes nothing.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    partIndex: t.exposeInt('partIndex', { description: 'The part of the message that it belongs to.' }),
    offset: t.exposeInt('offset', {
      description: 'Where it begins in the text of the part, in UTF-16 units, as JavaScript counts.',
    }),
    text: t.exposeString('text', { description: 'The text.' }),
  }),
})

builder.objectRef<EventOf<'ReplyReasoningDelta'>>('ReplyReasoningDelta').implement({
  description:
    'More of what the model thinks, beside the text: a ReasoningPart of the message. Placed as `text.slice(0, offset) + delta.text`.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    partIndex: t.exposeInt('partIndex', { description: 'The part of the message that it belongs to.' }),
    offset: t.exposeInt('offset', {
      description: 'Where it begins in the text of the part, in UTF-16 units, as JavaScript counts.',
    }),
    text: t.exposeString('text', { description: 'The thoughts.' }),
  }),
})

builder.objectRef<EventOf<'ReplyPart'>>('ReplyPart').implement({
  description: 'A whole part that is neither text nor reasoning, for instance a tool call.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    partIndex: t.exposeInt('partIndex', { description: 'Its place among the parts of the message.' }),
    part: t.expose('part', { type: MessagePartRef, description: 'The part.' }),
  }),
})

builder.objectRef<EventOf<'ReplyHeartbeat'>>('ReplyHeartbeat').implement({
  description: 'Nothing has happened for a while, and the connection lives.',
  interfaces: [ReplyEventRef],
})

builder.objectRef<EventOf<'ReplyCompleted'>>('ReplyCompleted').implement({
  description: 'The model has said all that it wanted to. The stream ends.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({ message: t.expose('message', { type: MessageRef, description: 'What it said, as stored.' }) }),
})

builder.objectRef<EventOf<'ReplyInterrupted'>>('ReplyInterrupted').implement({
  description: 'The reply was stopped. The stream ends.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    reason: t.expose('reason', { type: InterruptReasonRef, description: 'Why.' }),
    partial: t.expose('partial', {
      type: MessageRef,
      nullable: true,
      description: 'What had been said by then, as stored; null when that is nothing.',
    }),
  }),
})

builder.objectRef<EventOf<'ReplyFailed'>>('ReplyFailed').implement({
  description: 'The reply failed. The stream ends.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    code: t.expose('code', { type: ReplyErrorCodeRef, description: 'Why, for programs.' }),
    detail: t.exposeString('detail', { description: 'Why, for people.' }),
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether asking once more makes sense; with another client id, since this one is used.',
    }),
    retryAfterMs: t.exposeInt('retryAfterMs', {
      nullable: true,
      description: 'After how many milliseconds the provider of the model allows it; null when it did not say.',
    }),
    partial: t.expose('partial', {
      type: MessageRef,
      nullable: true,
      description: 'What had been said by then, as stored; null when that is nothing.',
    }),
  }),
})

builder.objectRef<EventOf<'ReplyRejected'>>('ReplyRejected').implement({
  description: 'What was asked is refused: no reply was begun. The stream ends.',
  interfaces: [ReplyEventRef],
  fields: (t) => ({
    code: t.expose('code', { type: ReplyErrorCodeRef, description: 'Why, for programs.' }),
    detail: t.exposeString('detail', { description: 'Why, for people.' }),
    activeReplyId: t.exposeID('activeReplyId', {
      nullable: true,
      description: 'The reply that is in the way, if one is.',
    }),
    retryAfterMs: t.exposeInt('retryAfterMs', {
      nullable: true,
      description: 'After how many milliseconds asking again makes sense; null when it does not.',
    }),
  }),
})
