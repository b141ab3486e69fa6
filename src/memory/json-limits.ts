import { BadUserInputError } from '../errors.ts'
import type { Json } from './message.ts'

const MAX_DEPTH = 32

/**
 * Throws BadUserInputError unless the text is of a permitted length (in UTF-16 units) and can be stored
 * as it is everywhere: half of a surrogate pair has no UTF-8, and names with NUL end early in some
 * stores. `permit` lets NUL pass, for what people and models wrote.
 */
export function checkText(field: string, text: string, min: number, max: number, permit?: 'NUL'): void {
  if (text.length < min || text.length > max) {
    const limit = min > 0 ? `${min} to ${max} characters` : `at most ${max} characters`
    throw new BadUserInputError(field, limit, String(text.length))
  }
  if (!text.isWellFormed()) throw new BadUserInputError(field, 'well-formed Unicode', 'half of a surrogate pair')
  if (permit !== 'NUL' && text.includes('\0')) {
    throw new BadUserInputError(field, 'without NUL characters', 'a NUL character')
  }
}

/** Throws BadUserInputError unless the value is JSON that every store keeps as it is: well-formed and not too deep. */
export function checkJson(field: string, value: Json, depth = 0): void {
  if (depth > MAX_DEPTH) throw new BadUserInputError(field, `at most ${MAX_DEPTH} levels deep`, 'more')
  if (typeof value === 'string') checkText(field, value, 0, Number.POSITIVE_INFINITY, 'NUL')
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
