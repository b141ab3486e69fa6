import type { ChatModel } from '../../../src/chat/model/chat-model.ts'

/** What the echo model says to a question of one letter: the later the letter, the longer. */
export function echoOf(question: string): string {
  return `to ${'abc'.slice(0, 'abc'.indexOf(question) + 1)}`
}

/**
 * A model that says `to` and then letter by letter which question it was given, the next one when `renewed` resolves:
 * so checkpoints have parts of the text.
 */
export function createEchoModel(renewed: () => Promise<void>): ChatModel {
  return {
    defaultModel: 'echo',
    async *stream({ messages }, signal) {
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      const said = echoOf(Object(messages.at(-1)).content)
      yield { type: 'text', text: 'to ' }
      for (const text of said.slice('to '.length)) {
        await Promise.race([renewed(), aborted])
        signal.throwIfAborted()
        yield { type: 'text', text }
      }
      yield { type: 'finish', reason: 'STOP' }
    },
  }
}
