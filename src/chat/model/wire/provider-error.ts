import { type Fields, fieldsOf, listOf, textOf } from './fields.ts'

/** What a provider says of its failure, wherever it says it. */
export interface ProviderError {
  /** That of HTTP, or the one that the error itself names or means; undefined when nothing says it. */
  status: number | undefined
  /** Its own short words for what it is: `context_length_exceeded`. */
  codes: string[]
  /** What it says to people, in one text of at most 1,000 characters; `""` when it says nothing. */
  words: string
}

/** Where the words for people stand, the best first. */
const WORDS = ['message', 'msg', 'detail', 'error_msg', 'error_message', 'error_description', 'status_msg', 'title']
/** Where an error stands in another. */
const INNER = ['error', 'errors', 'message', 'detail', 'base_resp']
const CODES = ['code', 'type', 'status', 'error_code', 'status_code', 'reason']
const MOST_ITEMS = 5
const MAX_DEPTH = 4
const MAX_WORDS = 1_000
const MAX_CODE = 100

/** What parts of codes mean, as a status: the first that fits, so that special words stand before general ones. */
const MEANINGS: readonly (readonly [number, readonly string[]])[] = [
  [429, ['ratelimit', 'toomanyrequests', 'resourceexhausted', 'throttl', 'insufficientquota', 'slowdown']],
  [401, ['authentication', 'unauthenticated', 'unauthorized', 'apikey', 'permission', 'forbidden', 'credential']],
  [402, ['billing', 'payment', 'insufficientbalance', 'arrear', 'credit']],
  [400, ['contextlength', 'contextwindow', 'toolong', 'contentpolicy', 'contentfilter', 'invalidprompt']],
  [404, ['modelnotfound', 'notfound']],
  [400, ['invalidrequest', 'badrequest', 'invalidargument', 'invalidparam', 'validation', 'unprocessable']],
  [400, ['failedprecondition', 'invalidvalue', 'unsupported', 'outofrange']],
  [503, ['overload', 'unavailable', 'servererror', 'internal', 'apierror', 'timeout', 'timedout', 'deadline']],
  [503, ['badgateway', 'capacity', 'engine', 'upstream', 'network', 'connection', 'enginedead', 'serviceerror']],
]

/** Reads an error of any form; `httpStatus` is that of an answer that is no stream. */
export function readProviderError(given: unknown, httpStatus?: number): ProviderError {
  const codes = codesIn(given, 0)
  const status = httpStatus ?? codes.map(statusOf).find((found) => found !== undefined)
  return { status, codes, words: wordsIn(given, 0).slice(0, MAX_WORDS) }
}

/** The error in an event of a stream; undefined where it says none. `name` is that of the event. */
export function errorIn(event: Fields, name: string | undefined): unknown {
  const { error, errors, choices } = event
  if (isSomething(error)) return error
  if (isSomething(errors)) return { errors }
  if (name === 'error') return event
  if (Array.isArray(choices) && choices.length > 0) return undefined
  if (event.object === 'error' || event.type === 'error') return event
  const status = fieldsOf(event.base_resp)?.status_code
  if (typeof status === 'number' && status !== 0) return event
  const isSaid = ['message', 'detail', 'msg', 'error_msg', 'error_message'].some((field) => isWords(event[field]))
  return isSaid && !isSomething(event.usage) ? event : undefined
}

function isWords(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (Array.isArray(value) && value.length > 0)
}

/** Some write an error that is none: null, false, an empty text or an object of zeros. */
function isSomething(value: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return true
  if (typeof value === 'number' || typeof value === 'boolean') return Boolean(value)
  if (typeof value === 'string') return value.trim() !== ''
  const inner = Array.isArray(value) ? value : Object.values(fieldsOf(value) ?? {})
  return inner.some((item) => isSomething(item, depth + 1))
}

function codesIn(given: unknown, depth: number): string[] {
  if (depth > MAX_DEPTH) return []
  if (Array.isArray(given)) return codesIn(given[0], depth + 1)
  const fields = fieldsOf(given)
  if (fields === undefined) return []
  const own = CODES.flatMap((field) => textOf(fields[field]) ?? []).map((code) => code.slice(0, MAX_CODE))
  return [...own, ...INNER.flatMap((field) => codesIn(fieldsOf(fields[field]) ?? listFrom(fields[field]), depth + 1))]
}

function listFrom(value: unknown): unknown {
  return Array.isArray(value) ? value : undefined
}

function wordsIn(given: unknown, depth: number): string {
  if (typeof given === 'string') return given.slice(0, MAX_WORDS)
  if (depth > MAX_DEPTH) return ''
  if (Array.isArray(given)) {
    const items = given.slice(0, MOST_ITEMS).map((item) => wordsIn(item, depth + 1))
    return items.filter((words) => words !== '').join('; ')
  }
  const fields = fieldsOf(given)
  if (fields === undefined) return ''
  // What is wrong stands beside its place: `loc` of servers made with pydantic. What was given is never said.
  const place = listOf(fields.loc).slice(0, 8).map(textOf).join('.').slice(0, MAX_CODE)
  for (const field of ['error', 'errors', ...WORDS, 'base_resp']) {
    const words = wordsIn(fields[field], depth + 1)
    if (words !== '') return place === '' ? words : `${place}: ${words}`
  }
  return place
}

function statusOf(code: string): number | undefined {
  const number = Number(code)
  if (Number.isInteger(number)) return number >= 400 && number < 600 ? number : undefined
  const word = code.toLowerCase().replaceAll(/[^a-z]/g, '')
  return MEANINGS.find(([, parts]) => parts.some((part) => word.includes(part)))?.[0]
}
