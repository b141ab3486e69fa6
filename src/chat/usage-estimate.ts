import type { Usage } from '../memory/message.ts'
import { MIN_MESSAGE_TOKENS } from '../memory/message.ts'
import type { TokenCounter } from '../memory/token-counter.ts'
import type { PreparedTurn } from './reply-turn.ts'

/** The tokens that prime the reply; they belong to no message. */
const PRIMING_TOKENS = 3

/** What a reply cost where the provider did not say: counted, and marked so. */
export async function estimateUsage(
  counter: TokenCounter,
  turn: PreparedTurn | undefined,
  text: string,
): Promise<Usage | undefined> {
  if (turn === undefined) return undefined
  const { context, instructions, encoding } = turn
  const drafts = [text, instructions ?? ''].map((content) => ({
    role: 'ASSISTANT' as const,
    parts: [{ type: 'text' as const, text: content }],
  }))
  const [reply = 0, system = 0] = await counter.countMessages(encoding, drafts)
  return {
    promptTokens: context.tokenCount + PRIMING_TOKENS + (instructions === undefined ? 0 : system),
    completionTokens: reply - MIN_MESSAGE_TOKENS,
    estimated: true,
  }
}
