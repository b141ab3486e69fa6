import type { Usage } from '../../memory/message.ts'
import { builder } from '../builder.ts'

/** What a reply cost. */
export const UsageRef = builder.objectRef<Usage>('Usage').implement({
  description: 'What a reply cost, in tokens.',
  fields: (t) => ({
    promptTokens: t.exposeInt('promptTokens', { description: 'Tokens that the model read.' }),
    completionTokens: t.exposeInt('completionTokens', {
      description: 'Tokens that the model wrote, its reasoning included.',
    }),
    cachedPromptTokens: t.exposeInt('cachedPromptTokens', {
      nullable: true,
      description: "Those of the prompt that came from the provider's cache; null when it does not say.",
    }),
    reasoningTokens: t.exposeInt('reasoningTokens', {
      nullable: true,
      description: 'Those written as reasoning; null when the provider does not say.',
    }),
    estimated: t.exposeBoolean('estimated', {
      description: 'Whether we counted because the provider gave no numbers.',
    }),
  }),
})
