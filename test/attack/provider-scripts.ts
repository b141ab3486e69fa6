import { deltaChunk, finishChunk, type Script } from '../support/openai-scripts.ts'
import type { RawCall } from '../support/raw-model-server.ts'
import { times } from './requests.ts'

/** So many events are sent at once. */
const BATCH = 10_000

/** A whole answer around one event, which is made once. */
export function answerEvent(textOf: () => string): Script {
  let text: string | undefined
  return async (call) => {
    text ??= textOf()
    await call.startStream()
    await sendEvents(call, [text, finishChunk('stop'), '[DONE]'])
    await call.endChunks()
  }
}

/** A whole answer of so many events. */
export async function answerMany(call: RawCall, count: number, eventOf: (index: number) => unknown): Promise<void> {
  await call.startStream()
  for (let from = 0; from < count; from += BATCH) {
    await sendEvents(
      call,
      times(Math.min(BATCH, count - from), (index) => eventOf(from + index)),
    )
  }
  await sendEvents(call, [finishChunk('stop'), '[DONE]'])
  await call.endChunks()
}

/** Several events in one chunk. */
export function sendEvents(call: RawCall, events: readonly unknown[]): Promise<void> {
  return call.chunk(events.map(eventText).join(''))
}

/** An event as a stream has it. */
export function eventText(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

/** An event with a whole call. */
export function toolCall(index: number) {
  return toolCallPart(index, { id: `call_${index}`, type: 'function', function: { name: 'f', arguments: '{}' } })
}

/** An event with a piece of a call. */
export function toolCallPart(index: number, rest: object) {
  return deltaChunk({ tool_calls: [{ index, ...rest }] })
}

/** Until the other side has gone, when writing fails. */
export async function forever(work: () => Promise<void>): Promise<void> {
  for (;;) await work()
}
