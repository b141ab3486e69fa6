import { OpenAI } from 'openai'
import { ModelError } from '../../src/chat/model/chat-model.ts'
import { readAnswer } from '../../src/chat/model/wire/read-answer.ts'
import type { AnswerPeer, ReadOutcome } from './answer-peer.ts'

const QUESTION = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }] }

/** Backscroll's own reader. */
export const ownReader: AnswerPeer = {
  name: 'Backscroll',
  async read(answer) {
    if (!answer.ok || answer.body === null) throw new ModelError('MODEL_REJECTED', '', { retryable: false })
    const outcome: ReadOutcome = { content: '', reasoning: '', calls: [] }
    for await (const events of readUntilFailure(answer.body, outcome)) {
      for (const event of events) {
        if (event.type === 'text') outcome.content += event.text
        else if (event.type === 'reasoning') outcome.reasoning += event.text
        else if (event.type === 'finish') outcome.finishReason = event.reason
        else if (event.type === 'usage') outcome.usage = event.usage
        else if (event.type === 'toolCall') {
          outcome.calls.push({
            id: event.part.toolCallId,
            name: event.part.toolName,
            arguments: event.part.arguments,
          })
        }
      }
    }
    return outcome
  },
}

/** A failure behind the finish reason undoes nothing, as in a call of the model. */
async function* readUntilFailure(body: ReadableStream<Uint8Array>, outcome: ReadOutcome) {
  try {
    yield* readAnswer(body, {})
  } catch (error) {
    if (outcome.finishReason === undefined) throw error
  }
}

/** OpenAI's package, by the stream that joins what it yields into a completion. */
export const openaiReader: AnswerPeer = {
  name: 'openai, its ChatCompletionStream',
  async read(answer) {
    const stream = clientOf(answer).chat.completions.stream(QUESTION)
    const { choices, usage } = await stream.finalChatCompletion()
    const [choice] = choices
    const calls = choice?.message.tool_calls ?? []
    return {
      content: choice?.message.content ?? '',
      reasoning: '',
      calls: calls.flatMap((call) => (call.type === 'function' ? [{ id: call.id, ...call.function }] : [])),
      finishReason: choice?.finish_reason ?? null,
      ...(usage && { usage: { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens } }),
    }
  },
}

/** The same package, by the plain stream of chunks; calls are joined by their index, as its examples do. */
export const openaiChunksReader: AnswerPeer = {
  name: 'openai, its Stream',
  async read(answer) {
    const outcome: ReadOutcome = { content: '', reasoning: '', calls: [] }
    const chunks = await clientOf(answer).chat.completions.create({ ...QUESTION, stream: true })
    for await (const { choices, usage } of chunks) {
      const [choice] = choices
      outcome.content += choice?.delta.content ?? ''
      outcome.finishReason = choice?.finish_reason ?? outcome.finishReason ?? null
      for (const { index, id, function: called } of choice?.delta.tool_calls ?? []) {
        const call = outcome.calls[index] ?? { name: '', arguments: '' }
        outcome.calls[index] = call
        if (id !== undefined) call.id = id
        call.name += called?.name ?? ''
        call.arguments += called?.arguments ?? ''
      }
      if (usage) outcome.usage = { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }
    }
    return outcome
  },
}

function clientOf(answer: Response): OpenAI {
  return new OpenAI({
    apiKey: 'none',
    baseURL: 'http://peer/v1',
    maxRetries: 0,
    fetch: async () => answer,
    logLevel: 'off',
  })
}
