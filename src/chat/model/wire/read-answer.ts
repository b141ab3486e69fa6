import { ModelError, type ModelEvent } from '../chat-model.ts'
import { broken, unreachable } from '../openai-error.ts'
import { type AnswerSource, createAnswerReader } from './answer-reader.ts'
import { createWireReader, WireError } from './wire-reader.ts'

/** How long an answer may take to end behind its `[DONE]`. */
const END_WAIT_MS = 1_000

/**
 * What a model says in the body of an answer, up to its `[DONE]` or its end; what was read from the network at once
 * comes at once. What came before a failure is yielded first. Throws ModelError, also for a connection that is cut.
 *
 * Behind `[DONE]` the body is read to its end, for which OpenAI's own decoder does not wait: only then does its
 * connection serve the next call, which else begins with another handshake.
 */
export async function* readAnswer(
  body: ReadableStream<Uint8Array>,
  source: AnswerSource,
): AsyncGenerator<ModelEvent[]> {
  const utf8 = new TextDecoder()
  const answer = createAnswerReader(source)
  const wire = createWireReader(answer.read)
  let hasBegun = false
  let failure: ModelError | undefined

  function* take(work: () => void): Generator<ModelEvent[]> {
    try {
      work()
    } catch (error) {
      // What cannot be read behind the end is as if it had not come.
      if (!(error instanceof WireError && answer.isDone)) failure = modelErrorOf(error)
      answer.release()
    }
    const events = answer.takeEvents()
    hasBegun ||= events.some(({ type }) => type !== 'activity')
    if (events.length > 0) yield events
    if (failure !== undefined) throw failure
  }

  try {
    for await (const bytes of body.values({ preventCancel: true })) {
      yield* take(() => wire.feed(utf8.decode(bytes, { stream: true })))
      if (answer.isDone) return
    }
    yield* take(() => {
      wire.feed(utf8.decode())
      wire.end()
      if (!answer.isDone) answer.end()
    })
  } catch (error) {
    if (error instanceof ModelError) throw error
    yield* take(answer.release)
    throw hasBegun ? broken('The connection to the model was cut.', error) : unreachable(error)
  } finally {
    if (answer.isDone && failure === undefined) readEnd(body)
    else body.cancel().catch(() => {})
  }
}

function modelErrorOf(error: unknown): ModelError {
  if (error instanceof ModelError) return error
  if (error instanceof WireError) return broken(`The model sent an event that cannot be read: ${error.message}.`, error)
  // Nested too deep for the stack, or a fault of ours: the answer is lost in both cases.
  return broken('The model sent an event that cannot be read.', error)
}

/** In the background, and no more of it than an end. */
function readEnd(body: ReadableStream<Uint8Array>): void {
  const reader = body.getReader()
  const cancel = () => reader.cancel().catch(() => {})
  const timer = setTimeout(() => void cancel(), END_WAIT_MS).unref()
  reader
    .read()
    .then(({ done }) => (done ? undefined : cancel()), cancel)
    .finally(() => clearTimeout(timer))
}
