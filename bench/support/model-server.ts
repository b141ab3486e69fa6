import { setTimeout as delay } from 'node:timers/promises'
import { answerText } from '../../test/support/openai-scripts.ts'
import { type RawModelServer, startRawModelServer } from '../../test/support/raw-model-server.ts'

const ANSWER = 'Hello, and thank you for your question.'

/** An upstream that gives a whole answer so long after each call. */
export function startModelServer(delayMs: number): Promise<RawModelServer> {
  return startRawModelServer(async (call) => {
    if (delayMs > 0) await delay(delayMs)
    await answerText(ANSWER)(call)
  })
}
