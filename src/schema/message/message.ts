import { contentOf, type Message } from '../../memory/message.ts'
import { builder, LOOKUP_COST } from '../builder.ts'
import { NodeRef } from '../node.ts'
import { StatusRef } from '../status.ts'
import { MessagePartRef } from './message-part.ts'
import { UsageRef } from './usage.ts'

/** The roles, in output and input. */
export const RoleRef = builder.enumType('Role', {
  description: 'Who speaks, by the names of the chat completions API.',
  values: {
    SYSTEM: { description: 'Instructions of the application.' },
    DEVELOPER: { description: 'Instructions of the application, as newer models name them.' },
    USER: { description: 'The person.' },
    ASSISTANT: { description: 'The model.' },
    TOOL: { description: 'A tool that the model called: each part is the result of one call.' },
  } as const,
})

const FinishReasonRef = builder.enumType('FinishReason', {
  description: 'Why the model stopped writing.',
  values: {
    STOP: { description: 'It was done.' },
    LENGTH: { description: 'It reached the limit of its tokens.' },
    TOOL_CALLS: { description: 'It waits for the results of the tools that it called.' },
    CONTENT_FILTER: { description: "The provider's filter stopped it." },
  } as const,
})

/** A stored message. */
export const MessageRef = builder.objectRef<Message>('Message').implement({
  description: 'One message of a conversation, as it was stored.',
  interfaces: [NodeRef],
  fields: (t) => ({
    sequence: t.exposeInt('sequence', {
      description: 'Its place on its path: 1, 2, 3 … with no gaps. Other versions of a message have the same place.',
    }),
    role: t.expose('role', { type: RoleRef, description: 'Who speaks.' }),
    status: t.expose('status', { type: StatusRef, description: 'Whether it is all that it was meant to be.' }),
    content: t.string({
      description: 'The text of its text parts, joined; "" when it has none.',
      resolve: ({ parts }) => contentOf(parts),
    }),
    parts: t.expose('parts', { type: [MessagePartRef], description: 'All that it says, in order.' }),
    author: t.exposeString('author', {
      nullable: true,
      description: 'Who of several users, or which agent, wrote it.',
    }),
    replyTo: t.exposeID('replyTo', { nullable: true, description: 'The message that this one answers.' }),
    versions: t.idList({
      extensions: { cost: LOOKUP_COST },
      description:
        'All versions of this message, made by edits and regenerated replies, itself included, oldest first. `selectVersion` shows another one.',
      resolve: (message, _, { loaders }) => loaders.versions(message),
    }),
    metadata: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the application keeps with it: a flat object.',
      resolve: ({ metadata }) => metadata,
    }),
    tokenCount: t.exposeInt('tokens', {
      description: 'What it costs in a prompt: the tokens of all its parts and of the chat framing of its role.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    clientMessageId: t.exposeString('clientMessageId', { nullable: true, description: "The client's own id of it." }),
    finishReason: t.expose('finishReason', {
      type: FinishReasonRef,
      nullable: true,
      description: 'Why the model stopped; null for what no model wrote, or when it did not finish.',
    }),
    usage: t.expose('usage', { type: UsageRef, nullable: true, description: 'What the reply cost.' }),
    model: t.exposeString('model', { nullable: true, description: 'The model that wrote it.' }),
  }),
})
