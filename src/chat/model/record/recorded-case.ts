import type { Json } from '../../../memory/message.ts'
import { ModelError, type ModelEvent } from '../chat-model.ts'
import { toModelError } from '../openai-error.ts'
import { fieldsOf, listOf } from '../wire/fields.ts'
import { readProviderError } from '../wire/provider-error.ts'
import { readAnswer } from '../wire/read-answer.ts'
import { UNKNOWN_CONTENT } from '../wire/unknown-shapes.ts'
import { maskContent } from './mask-content.ts'

/** One request to a model's server and what came back. */
export interface Exchange {
  url: string
  /** The body of the request, JSON as a text; `""` where it is not kept. */
  request: string
  status: number
  /** Those that decide how the answer is read. */
  headers: Record<string, string>
  /** The body as it came, each piece by itself. */
  pieces: readonly Uint8Array[]
  /** How the body ended: by itself, by a connection that was cut, or not at all when it was left. */
  end: 'WHOLE' | 'CUT' | 'LEFT'
  /** Whether the body was longer than what is kept of it. */
  isShortened: boolean
}

/** What `recordedCase` makes a case of. */
export interface RecordedCaseTask {
  id: string
  exchange: Exchange
  masking: Masking
}

/** What nobody may see. */
export interface Masking {
  apiKey?: string | undefined
  /** Whether what is said is masked too. */
  content: boolean
}

/** Silence that is played again is over sooner. */
const SILENT_ENV = { MODEL_FIRST_TOKEN_TIMEOUT_MS: '1000', MODEL_IDLE_TIMEOUT_MS: '1000' }
/** What stands for the end of a body that had none. */
const SILENCE = new Error('Nothing more came.')
const CUT = new Error('The connection was cut.')
const KEYS = /\b(?:sk|pk|key|Bearer)[-_ ][\w*.-]{6,}/g

/**
 * The exchange as a case of test/chat/model/cases, which is a list of one: the request, the answer byte for byte, and
 * what it is read as today, for whoever knows better to correct. Keys are masked always; what is masked takes as many
 * bytes as before. Takes up to a second, so that it is for a thread of its own.
 */
export async function recordedCase({ id, exchange, masking }: RecordedCaseTask): Promise<string> {
  const { url, status, headers, end, isShortened } = exchange
  const pieces = maskPieces(exchange.pieces, masking)
  const read = await readOutcome({ ...exchange, pieces }, masking)
  const before = masking.content ? await readOutcome(exchange, masking) : read
  const isSame = shapeOf(before) === shapeOf(read)
  const host = masking.content ? undefined : URL.parse(url)?.host
  const request: unknown = parse(maskBytes(Buffer.from(exchange.request), masking).toString())
  const notes = [
    `What is read today of an answer with status ${status}: correct it where it is wrong`,
    ...(isShortened ? ['only its beginning was kept'] : []),
    ...(isSame ? [] : ['masked it is read otherwise than it was']),
  ]
  const recorded = {
    id,
    title: notes.join('; '),
    ...(host !== undefined && { seen: host }),
    ...(end === 'LEFT' && { env: SILENT_ENV }),
    ...(request !== '' && { request }),
    upstream: {
      status,
      headers,
      chunks: pieces.map(chunkOf),
      ...((end === 'CUT' || isShortened) && { cut: true }),
      ...(end === 'LEFT' && !isShortened && { hang: true }),
    },
    send: { content: questionOf(request) },
    expect: read,
  }
  return `${JSON.stringify([recorded], null, 2)}\n`
}

/** In one go, so that nothing is missed where a piece ends, and cut again where it was cut. */
function maskPieces(pieces: readonly Uint8Array[], masking: Masking): Uint8Array[] {
  const body = maskBytes(Buffer.concat(pieces), masking)
  let begin = 0
  return pieces.map(({ length }) => {
    begin += length
    return body.subarray(begin - length, begin)
  })
}

function maskBytes(bytes: Buffer, { apiKey, content }: Masking): Buffer {
  const text = (content ? maskContent(bytes) : bytes).toString('latin1')
  const blank = (key: string) => 'x'.repeat(key.length)
  const withoutKey = apiKey === undefined ? text : text.replaceAll(apiKey, blank)
  return Buffer.from(withoutKey.replaceAll(KEYS, blank), 'latin1')
}

/** A piece that ends within a character is none as a text. */
function chunkOf(piece: Uint8Array): string | { base64: string } {
  const bytes = Buffer.from(piece)
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}

function questionOf(request: unknown): string {
  const last = listOf(fieldsOf(request)?.messages).findLast((message) => fieldsOf(message)?.role === 'user')
  const content = fieldsOf(last)?.content
  return typeof content === 'string' && content.trim() !== '' ? content : 'Hi'
}

interface Outcome {
  [field: string]: Json | undefined
}

/** How a reply ends that gets this answer, in the words of a case's expectation. */
async function readOutcome(exchange: Exchange, { apiKey }: Masking): Promise<Outcome> {
  const { status, headers, end, isShortened } = exchange
  if (status < 200 || status >= 300) {
    const error = readProviderError(parse(Buffer.concat(exchange.pieces).toString()), status)
    const { code, retryable } = toModelError({ error, headers: new Headers(headers) }, apiKey)
    return { end: 'Failed', code, retryable }
  }
  const events: ModelEvent[] = []
  try {
    const body = bodyOf(exchange.pieces, end === 'LEFT' ? SILENCE : end === 'CUT' || isShortened ? CUT : undefined)
    for await (const some of readAnswer(body, { apiKey })) events.push(...some)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    const hasEnded = events.some(({ type }) => type === 'finish')
    const code = error.cause === SILENCE ? 'MODEL_TIMEOUT' : error.code
    const said = textOf(events, 'text')
    const partial = { ...(said !== '' && { partial: said }), ...unknownOf(events) }
    if (!hasEnded) return { end: 'Failed', code, retryable: error.retryable, ...partial }
  }
  return completed(events)
}

function completed(events: readonly ModelEvent[]): Outcome {
  const finish = events.findLast(({ type }) => type === 'finish')
  const usage = events.findLast(({ type }) => type === 'usage')
  const calls = events.flatMap((event) => {
    if (event.type !== 'toolCall') return []
    const { toolCallId, toolName, arguments: text } = event.part
    return [{ id: toolCallId, name: toolName, arguments: text }]
  })
  return {
    end: 'Completed',
    content: textOf(events, 'text'),
    ...(finish?.type === 'finish' && { finishReason: finish.reason }),
    reasoning: textOf(events, 'reasoning'),
    calls,
    ...unknownOf(events),
    ...(usage?.type === 'usage' && { usage: { ...usage.usage } }),
  }
}

function textOf(events: readonly ModelEvent[], type: 'text' | 'reasoning'): string {
  return events.flatMap((event) => (event.type === type ? [event.text] : [])).join('')
}

/** The texts of what has no form of its own; absent where there is no such part. */
function unknownOf(events: readonly ModelEvent[]): Outcome {
  const parts = events.flatMap((event) => (event.type === 'part' ? [event.part] : []))
  const data = parts.map(({ name, data: held }) => {
    if (name !== UNKNOWN_CONTENT) return held
    return listOf(held).map((noted) => [fieldsOf(noted)?.text, fieldsOf(noted)?.values])
  })
  return parts.length > 0 ? { unknown: textsIn(data) } : {}
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** What masking must not change: everything but the words. */
function shapeOf({ content, reasoning, partial, calls, unknown, ...rest }: Outcome): string {
  const lengths = [content, reasoning, partial, ...listOf(unknown)].map((text) => String(text ?? '').length)
  return JSON.stringify([rest, lengths, listOf(calls).length])
}

/** The pieces as a body that ends or fails. */
function bodyOf(pieces: readonly Uint8Array[], failure: Error | undefined): ReadableStream<Uint8Array> {
  let index = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[index]
      index += 1
      if (piece !== undefined) controller.enqueue(piece)
      else if (failure === undefined) controller.close()
      else controller.error(failure)
    },
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
