import { namesOf } from './dialects/dialect.ts'
import { ERROR_FIELDS, ERROR_MEANINGS } from './dialects/error-dialects.ts'
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

/** The fields of an event or a choice in which an error stands. */
export const ERROR_PLACES: readonly string[] = namesOf(ERROR_FIELDS, 'error')
/** Words for people that are an error where nothing else is. */
const SAID = namesOf(ERROR_FIELDS, 'words, alone an error')
const STATUS = namesOf(ERROR_FIELDS, 'status')
const CODES = namesOf(ERROR_FIELDS, 'code')
/** Where the words for people stand, the best first. */
const WORDS = [...ERROR_PLACES, ...SAID, ...namesOf(ERROR_FIELDS, 'words'), ...STATUS]
/** Where an error stands in another. */
const INNER = [...ERROR_PLACES, ...SAID, ...STATUS]
const MOST_ITEMS = 5
const MAX_DEPTH = 4
const MAX_WORDS = 1_000
const MAX_CODE = 100

/** Reads an error of any form; `httpStatus` is that of an answer that is no stream. */
export function readProviderError(given: unknown, httpStatus?: number): ProviderError {
  const codes = codesIn(given, 0)
  const status = httpStatus ?? codes.map(statusOf).find((found) => found !== undefined)
  return { status, codes, words: wordsIn(given, 0).slice(0, MAX_WORDS) }
}

/** The error in an event of a stream; undefined where it says none. `name` is that of the event. */
export function errorIn(event: Fields, name: string | undefined): unknown {
  const { choices } = event
  const stated = errorInChoice(event)
  if (stated !== undefined) return stated
  if (name === 'error') return event
  if (Array.isArray(choices) && choices.length > 0) return undefined
  if (event.object === 'error' || event.type === 'error') return event
  const hasFailed = STATUS.some((field) => {
    const status = fieldsOf(event[field])?.status_code
    return typeof status === 'number' && status !== 0
  })
  if (hasFailed) return event
  return SAID.some((field) => isWords(event[field])) && !isSomething(event.usage) ? event : undefined
}

/** The error in one choice, of which nothing but its own field is one. */
export function errorInChoice(choice: Fields): unknown {
  const place = ERROR_PLACES.find((field) => isSomething(choice[field]))
  return place === undefined ? undefined : choice[place]
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
  for (const field of WORDS) {
    const words = wordsIn(fields[field], depth + 1)
    if (words !== '') return place === '' ? words : `${place}: ${words}`
  }
  return place
}

function statusOf(code: string): number | undefined {
  const number = Number(code)
  if (Number.isInteger(number)) return number >= 400 && number < 600 ? number : undefined
  const word = code.toLowerCase().replaceAll(/[^a-z]/g, '')
  return ERROR_MEANINGS.find(({ names }) => names.some((part) => word.includes(part)))?.reads
}
