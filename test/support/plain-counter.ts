import { contentOf } from '../../src/memory/message.ts'
import type { TokenCounter } from '../../src/memory/tokens/token-counter.ts'

/** A counter without a tokenizer: four tokens a message and one a character. */
export const plainCounter: TokenCounter = {
  countMessages: async (_encoding, drafts) => drafts.map(({ parts }) => 4 + contentOf(parts).length),
  admit: () => () => {},
  close: async () => {},
}
