import { z } from 'zod'
import { ModelError } from './chat-model.ts'

/** What the SDK knows of an answer that is an error. */
const statusError = z.object({
  status: z.number().optional(),
  headers: z.instanceof(Headers).optional(),
  error: z.unknown(),
})

const errorBody = z.union([
  z.object({
    message: z.string().optional().catch(undefined),
    type: z.string().nullish().catch(undefined),
    code: z.union([z.string(), z.number()]).nullish().catch(undefined),
  }),
  z.string().transform((message) => ({ message, type: undefined, code: undefined })),
])

const MAX_DETAIL_CHARACTERS = 300
/** The largest Int. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** The error of a call that got no stream. */
export function toCallError(error: unknown, apiKey: string | undefined): ModelError {
  const { status, headers, body } = decodeError(error)
  if (status === undefined) return unreachable(error)
  return ofStatus(status, { headers, body, apiKey, cause: error })
}

/**
 * The error of a stream that broke. An event may say so (OpenAiEventError); a cut
 * connection is a TypeError, an event that is no JSON a SyntaxError, one of another shape a ZodError.
 */
export function toStreamError(error: unknown, hasBegun: boolean, apiKey: string | undefined): ModelError {
  const { body } = decodeError(error)
  if (body !== undefined) {
    const status = Number(body.code)
    if (status >= 400 && status < 600) return ofStatus(status, { body, apiKey, cause: error })
    return broken('The model broke off with an error of its own.', error)
  }
  if (error instanceof SyntaxError || error instanceof z.ZodError) {
    return broken('The model sent an event that cannot be read.', error)
  }
  return hasBegun ? broken('The connection to the model was cut.', error) : unreachable(error)
}

/** What an error's answer says, for finding out which field was refused; `""` when it says nothing. */
export function refusalText(error: unknown): string {
  const { status, body } = decodeError(error)
  return status === 400 || status === 422 ? (body?.message ?? '') : ''
}

interface Answered {
  headers?: Headers | undefined
  body?: z.infer<typeof errorBody> | undefined
  apiKey: string | undefined
  cause: unknown
}

function decodeError(error: unknown): {
  status?: number | undefined
  headers?: Headers | undefined
  body?: Answered['body']
} {
  const { data: answer } = statusError.safeParse(error)
  return { ...answer, body: errorBody.safeParse(answer?.error).data }
}

function unreachable(cause: unknown): ModelError {
  return new ModelError('MODEL_UNAVAILABLE', "The model's provider cannot be reached.", { retryable: true, cause })
}

function broken(detail: string, cause: unknown): ModelError {
  return new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: true, cause })
}

function ofStatus(status: number, { headers, body, apiKey, cause }: Answered): ModelError {
  const retryAfterMs = retryAfterOf(headers)
  const options = { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  if (status === 429) {
    // A spent quota has the status of a busy moment, and no wait helps.
    const isSpent = body?.code === 'insufficient_quota' || body?.type === 'insufficient_quota'
    const detail = isSpent ? "The quota at the model's provider is spent." : "The model's provider asks to wait."
    return new ModelError('MODEL_RATE_LIMITED', detail, { ...options, retryable: !isSpent })
  }
  if (status >= 500 || status === 408 || status === 409) {
    const detail = `The model's provider failed with status ${status}.`
    return new ModelError('MODEL_UNAVAILABLE', detail, { ...options, retryable: true })
  }
  return new ModelError('MODEL_REJECTED', rejection(status, body?.message, apiKey), { ...options, retryable: false })
}

/**
 * Only about the request itself do the provider's own words reach clients: what it says of credentials,
 * accounts and addresses is for whoever runs the server, who finds it as the cause.
 */
function rejection(status: number, message: string | undefined, apiKey: string | undefined): string {
  if (status === 401 || status === 403) return "The model's provider refused the server's credentials."
  if (status === 404) return "The model's provider does not know this model."
  const said = [400, 413, 422].includes(status) ? publicText(message ?? '', apiKey) : ''
  const detail = `The model's provider refused the request with status ${status}`
  return said === '' ? `${detail}.` : `${detail}: ${said}`
}

/** The first line of a text without addresses and keys; nothing of a text that is a page. */
function publicText(text: string, apiKey: string | undefined): string {
  const [line = ''] = text.trim().split(/[\r\n]/, 1)
  if (line.startsWith('<')) return ''
  const withoutKey = apiKey === undefined ? line : line.replaceAll(apiKey, '[…]')
  return withoutKey
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[…]')
    .replaceAll(/\b[\w-]+(?:\.[\w-]+)*:\d{2,5}\b/g, '[…]')
    .replaceAll(/\b(?:sk|pk|org|proj|user|key|bearer)[-_ ][\w*.-]{6,}/gi, '[…]')
    .slice(0, MAX_DETAIL_CHARACTERS)
    .toWellFormed()
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
  return Math.min(MAX_WAIT_MS, Math.max(0, Math.ceil(ms)))
}
