import { MIN_MESSAGE_TOKENS, type Usage } from '../../memory/message.ts'
import type { TokenCounter } from '../../memory/tokens/token-counter.ts'
import type { Prompt } from './reply-prompt.ts'

/** The tokens that prime the reply; they belong to no message. */
const PRIMING_TOKENS = 3

/** What a reply cost where the provider did not say: counted, and marked so. */
export async function estimateUsage(
  counter: TokenCounter,
  { context, instructions, encoding }: Prompt,
  text: string,
): Promise<Usage> {
  const [reply, system] = await countTexts(counter, encoding, [text, instructions ?? ''])
  return {
    promptTokens: context.tokenCount + PRIMING_TOKENS + (instructions === undefined ? 0 : system + MIN_MESSAGE_TOKENS),
    completionTokens: reply,
    estimated: true,
  }
}

/** An estimate that was made before the text was known, with the text that was saved since. */
export async function estimateAgain(counter: TokenCounter, usage: Usage, text: string): Promise<Usage> {
  const [completionTokens] = await countTexts(counter, 'o200k_base', [text, ''])
  return { ...usage, completionTokens }
}

async function countTexts(counter: TokenCounter, encoding: string, texts: [string, string]): Promise<[number, number]> {
  const drafts = texts.map((text) => ({ role: 'ASSISTANT' as const, parts: [{ type: 'text' as const, text }] }))
  const [first = 0, second = 0] = await counter.countMessages(encoding, drafts)
  return [first - MIN_MESSAGE_TOKENS, second - MIN_MESSAGE_TOKENS]
}
