import { BadUserInputError } from '../../errors.ts'
import type { Json } from '../message.ts'
import { checkText } from './check-text.ts'

const MAX_DEPTH = 32

/** Throws BadUserInputError unless the value is JSON that every store keeps: finite, well-formed and not too deep. */
export function checkJson(field: string, value: Json, depth = 0): void {
  if (depth > MAX_DEPTH) throw new BadUserInputError(field, `at most ${MAX_DEPTH} levels deep`, 'more')
  if (typeof value === 'string') checkText(field, value, 0, Number.POSITIVE_INFINITY, 'NUL')
  if (typeof value === 'number') checkFinite(field, value)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) checkJson(field, item, depth + 1)
    return
  }
  for (const [key, item] of Object.entries(value)) {
    checkText(`${field} keys`, key, 0, Number.POSITIVE_INFINITY)
    checkJson(field, item, depth + 1)
  }
}

/** Throws BadUserInputError for what JSON cannot hold: 1e400 is read as infinity, and would be stored as null. */
export function checkFinite(field: string, value: number): void {
  if (!Number.isFinite(value)) throw new BadUserInputError(field, 'a finite number', String(value))
}
