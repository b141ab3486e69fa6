/** What the server says of its one slot, which keeps its last call when that has ended. */
interface ModelSlot {
  isProcessing: boolean
  /** The whole text that the model was given, as its own template makes it. */
  prompt: string
  generated: string
}

interface DirectAnswer {
  text: string
  finishReason: string
  promptTokens: number
  completionTokens: number
}

/** The model server seen from beside Backscroll: what it was given, and what it says when nobody is between. */
export interface ModelProbe {
  readSlot(): Promise<ModelSlot>
  /** The prompt that the server makes of messages. */
  render(messages: readonly object[]): Promise<string>
  countTokens(prompt: string): Promise<number>
  /** The whole answer to messages, without a stream. */
  complete(messages: readonly object[], options: object): Promise<DirectAnswer>
}

/** A probe of the llama.cpp server at `url`. */
export function createModelProbe(url: string): ModelProbe {
  async function call<T>(path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(url + path, init)
    if (!response.ok) throw new Error(`${path} was answered ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    async readSlot() {
      const slots = await call<{ is_processing: boolean; prompt?: string; generated?: string }[]>('/slots')
      const { is_processing, prompt = '', generated = '' } = only(slots)
      return { isProcessing: is_processing, prompt, generated }
    },
    async render(messages) {
      const { prompt } = await call<{ prompt: string }>('/apply-template', { messages })
      return prompt
    },
    async countTokens(prompt) {
      const { tokens } = await call<{ tokens: number[] }>('/tokenize', { content: prompt, parse_special: true })
      return tokens.length
    },
    async complete(messages, options) {
      const { choices, usage } = await call<Completion>('/v1/chat/completions', { ...options, messages })
      const { message, finish_reason } = only(choices)
      return {
        text: message.content,
        finishReason: finish_reason,
        promptTokens: usage.prompt_tokens,
        completionTokens: usage.completion_tokens,
      }
    },
  }
}

interface Completion {
  choices: { finish_reason: string; message: { content: string } }[]
  usage: { prompt_tokens: number; completion_tokens: number }
}

function only<T>(items: T[]): T {
  const [item, ...others] = items
  if (item === undefined || others.length > 0) throw new Error(`One was expected, not ${items.length}.`)
  return item
}
