import { BadUserInputError } from '../../errors.ts'
import type { Json } from '../message.ts'
import { checkText } from './check-text.ts'

const MAX_DEPTH = 32
const MAX_SHOWN_KEY = 40

/** Throws BadUserInputError unless the value is JSON that every store keeps: finite, well-formed and not too deep. The error has the path of what is wrong. */
export function checkJson(field: string, value: Json): void {
  checkNested(field, value, field, 0)
}

function checkNested(root: string, value: Json, field: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new BadUserInputError(root, `at most ${MAX_DEPTH} levels deep`, 'more')
  if (typeof value === 'string') checkText(field, value, 0, Number.POSITIVE_INFINITY, 'NUL')
  if (typeof value === 'number') checkFinite(field, value)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkNested(root, item, `${field}[${index}]`, depth + 1)
    return
  }
  for (const [key, item] of Object.entries(value)) {
    checkText(`${field} keys`, key, 0, Number.POSITIVE_INFINITY)
    checkNested(root, item, `${field}.${shorten(key)}`, depth + 1)
  }
}

/** A path of long keys would make an error of megabytes. */
function shorten(key: string): string {
  return key.length > MAX_SHOWN_KEY ? `${key.slice(0, MAX_SHOWN_KEY).toWellFormed()}…` : key
}

/** Throws BadUserInputError for what JSON cannot hold: 1e400 is read as infinity, and would be stored as null. */
export function checkFinite(field: string, value: number): void {
  if (!Number.isFinite(value)) throw new BadUserInputError(field, 'a finite number', String(value))
}
