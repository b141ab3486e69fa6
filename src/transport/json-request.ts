import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What a client sends to have an operation executed. */
export interface OperationParams {
  query: string
  variables?: Record<string, unknown> | null
  operationName?: string | null
  extensions?: Record<string, unknown> | null
}

const JSON_TYPE = /^application\/json(; ?charset=utf-8)?$/i
const NAMES: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions'])

const EVENT_STREAM = 'text/event-stream'
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

/** Whether it is a POST of JSON that wants events, or else JSON; false where that is in doubt. */
export function acceptsEventStream(request: IncomingMessage): boolean {
  const accepted = request.headers.accept?.split(',').map((type) => type.trim()) ?? []
  const isKnown = accepted.every((type) => type === EVENT_STREAM || ANSWER_TYPES.has(type))
  return isKnown && accepted.includes(EVENT_STREAM) && isJsonPost(request)
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
