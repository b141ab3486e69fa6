import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { MIMEType } from 'node:util'
import { accepts } from './accept.ts'
import type { Refusal } from './early-answers.ts'

/** What a client sends to have an operation executed. */
export interface OperationParams {
  query: string
  variables?: Record<string, unknown> | null
  operationName?: string | null
  extensions?: Record<string, unknown> | null
}

const JSON_TYPE = /^application\/json(; ?charset=utf-8)?$/i
const NAMES: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions'])
/** Forms and plain text can be sent from any page without a preflight; JSON cannot. */
const READ_TYPES: ReadonlySet<string> = new Set(['application/json', 'application/graphql+json'])
const READ_CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8'])
const MAX_SHOWN_CHARS = 64

const ANSWER_TYPES: ReadonlyMap<string, string> = new Map([
  ['*/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
])

/**
 * The media type of the answer to a plain request: a POST of JSON that wants JSON. It is the one that is
 * named first, as Yoga has it. Undefined for every other request, and where that is in doubt.
 */
export function plainAnswerType(request: IncomingMessage): string | undefined {
  return isJsonPost(request) ? ANSWER_TYPES.get(firstAccepted(request.headers)) : undefined
}

/** Whether it is a POST, of a body that is read, whose client takes server-sent events. */
export function acceptsEventStream({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && accepts(headers.accept, ['text/event-stream'])
}

/** Why the body of a POST is not read: it is no JSON in UTF-8, or it is encoded once more. */
export function refusalOfBody({ method, headers }: IncomingMessage): Refusal | undefined {
  if (method !== 'POST') return undefined
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers
  if (encoding.toLowerCase() !== 'identity') {
    return unread(`Content-Encoding must be identity, or there must be none; got ${shown(encoding)}.`)
  }
  if (JSON_TYPE.test(type) || isReadType(type)) return undefined
  return unread(`Content-Type must be application/json in UTF-8; got ${shown(type)}.`)
}

/** The operation in a body; undefined when it is anything else than GraphQL over HTTP describes. */
export function decodeOperation(body: Buffer): OperationParams | undefined {
  const params = parse(body)
  if (!isObject(params) || typeof params.query !== 'string') return undefined
  const { variables, extensions } = params
  if (!(isAbsent(variables) || isObject(variables)) || !(isAbsent(extensions) || isObject(extensions))) return undefined
  return Object.keys(params).every((name) => NAMES.has(name)) ? (params as unknown as OperationParams) : undefined
}

function isJsonPost({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && JSON_TYPE.test(headers['content-type'] ?? '')
}

function firstAccepted({ accept = '*/*' }: IncomingHttpHeaders): string {
  return accept.split(',', 1)[0]?.trim() ?? ''
}

function isReadType(text: string): boolean {
  try {
    const { essence, params } = new MIMEType(text)
    return READ_TYPES.has(essence) && READ_CHARSETS.has((params.get('charset') ?? 'utf-8').toLowerCase())
  } catch {
    return false
  }
}

/** With what is read: RFC 9110, 15.5.16 and 12.5.3. */
function unread(message: string): Refusal {
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  return { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message, headers }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARS))
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
