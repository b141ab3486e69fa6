import { builder } from '../builder.ts'

const ContextStartRef = builder.enumType('ContextStart', {
  description: 'What a context may begin with. It never begins with a tool result whose call was cut off.',
  values: {
    ANY: { description: 'Any message.' },
    USER: { description: 'A message of the user: what comes before the first one is dropped.' },
  } as const,
})

const ConsistencyRef = builder.enumType('Consistency', {
  description: 'How sure a read must be to see the newest message.',
  values: {
    EVENTUAL: {
      description: 'Sees every append acknowledged before it, provided that the cache could be reached then.',
    },
    STRONG: { description: 'Looks into the history each time: sees every append acknowledged before it, always.' },
  } as const,
})

/** What messages have on average: a window may have ten times as many, which are counted when it is executed. */
const TOKENS_OF_MESSAGE = 50

/** Usual contexts have no long texts. */
const TOKENS_OF_PAGE = 50_000

/** What a context costs by the estimate of a query: a read of the cache, and its messages. */
export const CONTEXT_COST = {
  weight: 20,
  items: ({ maxTokens = 3000 }: { maxTokens?: number }) => maxTokens / TOKENS_OF_MESSAGE,
  pages: ({ maxTokens = 3000 }: { maxTokens?: number }) => Math.floor(maxTokens / TOKENS_OF_PAGE),
}

/** The arguments of `recentContext`, on a query and on a conversation. */
export const contextArguments = builder.args((t) => ({
  maxTokens: t.int({
    required: true,
    defaultValue: 3000,
    description: 'The token budget, a hard limit: from 1 to the MAX_CONTEXT_TOKENS of the server.',
  }),
  startOn: t.field({
    type: ContextStartRef,
    required: true,
    defaultValue: 'ANY',
    description: 'What the context may begin with.',
  }),
  anchor: t.float({
    required: true,
    defaultValue: 0,
    description:
      'From 0 (off) to 0.5: the beginning moves only in steps of this share of the budget, so that prompts keep a prefix that the provider can cache.',
  }),
  consistency: t.field({
    type: ConsistencyRef,
    required: true,
    defaultValue: 'EVENTUAL',
    description: 'How sure the read must be to see the newest message.',
  }),
}))
