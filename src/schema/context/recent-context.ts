import { type ChatMessage, toChatMessages } from '../../chat/chat-messages.ts'
import type { Context } from '../../memory/context.ts'
import { builder } from '../builder.ts'
import { ConversationRef } from '../conversation/conversation.ts'
import { MessageRef } from '../message/message.ts'

const ContextCutRef = builder.enumType('ContextCut', {
  description: 'What decided where a context begins: the last thing that moved its beginning.',
  values: {
    NONE: { description: 'Nothing: the whole conversation fits.' },
    BUDGET: { description: 'The budget: one more message would not have fitted.' },
    ANCHOR: {
      description: 'The anchor: the beginning is held in place, so that the prompt cache of the provider holds.',
    },
    TURN: { description: 'Whole turns: messages were dropped that make no sense without those before them.' },
    OVERSIZE: { description: 'Not even the newest message fits: the context is empty.' },
  } as const,
})

const ContextSourceRef = builder.enumType('ContextSource', {
  description: 'Where a context came from.',
  values: {
    CACHE: { description: 'The cache held all of it.' },
    HISTORY: { description: 'The history: the cache held nothing that could be used.' },
    CACHE_AND_HISTORY: { description: 'The cache held the newest messages, the history filled what was missing.' },
  } as const,
})

/** Made once for all aliases of the field, for as long as an operation holds the messages. */
const madeOf = new WeakMap<Context['messages'], ChatMessage[]>()

function chatMessagesOf(messages: Context['messages']): ChatMessage[] {
  const made = madeOf.get(messages) ?? toChatMessages(messages)
  madeOf.set(messages, made)
  return made
}

/** The newest messages that fit a budget. */
export const RecentContextRef = builder.objectRef<Context & { cursor?: string }>('RecentContext').implement({
  description: 'The newest messages of a conversation that fit a token budget, and the report of what was left out.',
  fields: (t) => ({
    messages: t.expose('messages', { type: [MessageRef], description: 'Oldest first.' }),
    chatMessages: t.field({
      type: 'JSON',
      extensions: { cost: { hasItems: true } },
      description:
        'The same messages, ready to be sent to a chat completions API. Each tool result is a message of its own, directly behind its call; a call without one has "[no result]", so append the results before you read; a result whose call is not here is left out, and so are reasoning and data; arguments that are no JSON object read "{}"; what was redacted reads "[redacted]".',
      resolve: ({ messages }) => chatMessagesOf(messages),
    }),
    tokenCount: t.exposeInt('tokenCount', { description: 'The tokens of the messages; never more than `maxTokens`.' }),
    maxTokens: t.exposeInt('maxTokens', { description: 'The budget that was asked for.' }),
    tokensExact: t.exposeBoolean('tokensExact', {
      description: 'Whether the tokenizer counts exactly this in a prompt: false as soon as a part is not text.',
    }),
    omittedCount: t.exposeInt('omittedCount', { description: 'How many older messages were left out.' }),
    omittedTokens: t.exposeInt('omittedTokens', { description: 'The tokens of the messages that were left out.' }),
    cut: t.expose('cut', { type: ContextCutRef, description: 'What decided where it begins.' }),
    source: t.expose('source', { type: ContextSourceRef, description: 'Where it came from.' }),
    conversation: t.field({
      type: ConversationRef,
      description: 'The conversation. Its `id` costs nothing; its other fields are looked up.',
      resolve: ({ conversationId, cursor }) => ({ id: conversationId, ...(cursor !== undefined && { cursor }) }),
    }),
  }),
})
