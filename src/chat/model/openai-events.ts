import { createParser, type EventSourceMessage, type ParseError } from 'eventsource-parser'
import { decodeChunk, type OpenAiChunk } from './openai-chunk.ts'

/** An event in which the provider says that it failed. */
export class OpenAiEventError extends Error {
  /** Its own words, as they came. */
  readonly error: unknown
  constructor(error: unknown) {
    super('The provider sent an error as an event')
    this.name = 'OpenAiEventError'
    this.error = error
  }
}

/** A tool call may come in one event, and no reply is longer than 4 MiB; a server that never ends a line must not fill memory. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024

/** How long an answer may take to end behind its `[DONE]`. */
const END_WAIT_MS = 1_000

/**
 * The events of a chat completions stream up to its `[DONE]` or its end, those of one read from the network
 * together: 1.1 µs an event where the SDK's own decoder takes 4.1. What came before an event that cannot be read
 * is yielded first. Throws OpenAiEventError, SyntaxError, ZodError, and what reading the body throws.
 *
 * Behind `[DONE]` the answer is read to its end, for which the SDK's decoder does not wait: only then does its
 * connection serve the next call, which else begins with another handshake.
 */
export async function* readOpenAiEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<OpenAiChunk[]> {
  const utf8 = new TextDecoder()
  const chunks: OpenAiChunk[] = []
  let failure: unknown
  let isDone = false

  function take({ event, data }: EventSourceMessage): void {
    if (isDone) return
    isDone = data === '[DONE]'
    if (!isDone) chunks.push(decodeEvent(event, data))
  }

  function refuseLength({ type, message }: ParseError): void {
    if (type === 'max-buffer-size-exceeded') throw new SyntaxError(message)
  }

  const parser = createParser({ onEvent: take, onError: refuseLength, maxBufferSize: MAX_EVENT_CHARACTERS })

  function* read(text: string): Generator<OpenAiChunk[]> {
    try {
      parser.feed(text)
    } catch (error) {
      failure = error
      isDone = true
    }
    if (chunks.length > 0) yield chunks.splice(0)
    if (failure !== undefined) throw failure
  }

  try {
    for await (const bytes of body.values({ preventCancel: true })) {
      yield* read(utf8.decode(bytes, { stream: true }))
      if (isDone) return
    }
    // Some servers leave out the blank line behind the last event.
    yield* read(`${utf8.decode()}\n\n`)
  } finally {
    if (isDone && failure === undefined) readEnd(body)
    else body.cancel().catch(() => {})
  }
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

function decodeEvent(name: string | undefined, data: string): OpenAiChunk {
  const value: unknown = JSON.parse(data)
  const error = typeof value === 'object' && value !== null && 'error' in value && value.error
  if (name === 'error' || error) throw new OpenAiEventError(error || value)
  return decodeChunk(value)
}
