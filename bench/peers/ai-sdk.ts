import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { AnswerPeer, ReadOutcome } from '../support/answer-peer.ts'

/** The AI SDK's package for servers of the chat completions API, by its own stream of parts. */
export function openAnswerPeer(): AnswerPeer {
  return { name: '@ai-sdk/openai-compatible', read }

  async function read(answer: Response): Promise<ReadOutcome> {
    const provider = createOpenAICompatible({ name: 'peer', baseURL: 'http://peer/v1', fetch: async () => answer })
    const outcome: ReadOutcome = { content: '', reasoning: '', calls: [] }
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }]
    const { stream } = await provider.chatModel('m').doStream({ prompt })
    const reader = stream.getReader()
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done) return outcome
      if (part.type === 'text-delta') outcome.content += part.delta
      else if (part.type === 'reasoning-delta') outcome.reasoning += part.delta
      else if (part.type === 'error') throw part.error
      else if (part.type === 'tool-call') {
        outcome.calls.push({ id: part.toolCallId, name: part.toolName, arguments: part.input })
      } else if (part.type === 'finish') {
        outcome.finishReason = part.finishReason.unified
        outcome.usage = { promptTokens: part.usage.inputTokens.total, completionTokens: part.usage.outputTokens.total }
      }
    }
  }
}
