import { ModelError } from './chat-model.ts'
import { MAX_INT } from './wire/fields.ts'
import type { ProviderError } from './wire/provider-error.ts'

const MAX_DETAIL_CHARACTERS = 300
/** Patterns run on no more than this: twice what is shown, since addresses and keys in it make it shorter. */
const MAX_READ_CHARACTERS = 2 * MAX_DETAIL_CHARACTERS

/** An answer that is no stream: what it says, and its headers. */
export interface Refusal {
  error: ProviderError
  headers?: Headers | undefined
}

/** The error of a call that got no answer. */
export function unreachable(cause: unknown): ModelError {
  return new ModelError('MODEL_UNAVAILABLE', "The model's provider cannot be reached.", { retryable: true, cause })
}

/** The error of a stream that broke off, or was none. */
export function broken(detail: string, cause?: unknown): ModelError {
  return new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: true, cause })
}

/** The error of which an event in a stream tells. */
export function toEventError(error: ProviderError, apiKey: string | undefined): ModelError {
  if (error.status !== undefined) return toModelError({ error }, apiKey)
  return broken('The model broke off with an error of its own.', causeOf(error))
}

/**
 * The error that a status means. Only about the request itself do the provider's own words reach clients: what it
 * says of credentials, accounts and addresses is for whoever runs the server, who finds it as the cause.
 */
export function toModelError({ error, headers }: Refusal, apiKey: string | undefined): ModelError {
  const status = error.status ?? 500
  const retryAfterMs = retryAfterOf(headers)
  const options = { cause: causeOf(error), ...(retryAfterMs !== undefined && { retryAfterMs }) }
  if (status === 429) {
    // A spent quota has the status of a busy moment, and no wait helps.
    const isSpent = error.codes.includes('insufficient_quota')
    const detail = isSpent ? "The quota at the model's provider is spent." : "The model's provider asks to wait."
    return new ModelError('MODEL_RATE_LIMITED', detail, { ...options, retryable: !isSpent })
  }
  if (status >= 500 || status === 408 || status === 409) {
    const detail = `The model's provider failed with status ${status}.`
    return new ModelError('MODEL_UNAVAILABLE', detail, { ...options, retryable: true })
  }
  const detail = rejection(status, error.words, apiKey)
  return new ModelError('MODEL_REJECTED', detail, { ...options, retryable: false })
}

/** What the log is told of: the status and the first short word. */
function causeOf({ status, codes }: ProviderError): { status: number | undefined; code: string | undefined } {
  return { status, code: codes.find((code) => !/^\d+$/.test(code)) }
}

function rejection(status: number, words: string, apiKey: string | undefined): string {
  if (status === 401 || status === 403) return "The model's provider refused the server's credentials."
  if (status === 404) return "The model's provider does not know this model."
  if (status >= 300 && status < 400) return `The model's provider sends the request elsewhere, with status ${status}.`
  const said = [400, 413, 422].includes(status) ? publicText(words, apiKey) : ''
  const detail = `The model's provider refused the request with status ${status}`
  return said === '' ? `${detail}.` : `${detail}: ${said}`
}

/** The beginning of a text on one line, without addresses, keys and stacks; nothing of a text that is a page. */
function publicText(text: string, apiKey: string | undefined): string {
  // A key that begins in what is read ends in what is cut.
  const begin = text.trim().slice(0, MAX_READ_CHARACTERS + (apiKey?.length ?? 0))
  const withoutKey = apiKey === undefined ? begin : begin.replaceAll(apiKey, '[…]')
  const read = withoutKey.slice(0, MAX_READ_CHARACTERS)
  if (/^<(?!\d)/.test(read)) return ''
  return withoutStack(read)
    .replaceAll(/\b[a-z][a-z0-9+.-]{0,20}:\/\/\S+/gi, '[…]')
    .replaceAll(/\b[\w.-]{1,100}:\d{2,5}\b/g, '[…]')
    .replaceAll(/\b(?:sk|pk|org|proj|user|key|bearer)[-_ ][\w*.-]{6,}/gi, '[…]')
    .slice(0, MAX_DETAIL_CHARACTERS)
    .toWellFormed()
}

/** The lines up to the first of a stack, as one. */
function withoutStack(text: string): string {
  const lines = text.split(/[\r\n]/).map((line) => line.trim())
  const stack = lines.findIndex((line, index) => index > 0 && /^(?:at |File "|Traceback)/.test(line))
  return lines
    .slice(0, stack < 0 ? lines.length : stack)
    .join(' ')
    .trim()
}

/** In whole milliseconds, as GraphQL's Int has them: Retry-After as seconds or as a date; `retry-after-ms` is OpenAI's finer one. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const milliseconds = headers?.get('retry-after-ms')
  if (milliseconds && Number.isFinite(Number(milliseconds))) return wholeMs(Number(milliseconds))
  const value = headers?.get('retry-after')
  if (!value) return undefined
  const ms = Number.isFinite(Number(value)) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : wholeMs(ms)
}

function wholeMs(ms: number): number {
  return Math.min(MAX_INT, Math.max(0, Math.ceil(ms)))
}
