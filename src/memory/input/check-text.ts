import { BadUserInputError } from '../../errors.ts'

/** Longest id that a client gives, in UTF-16 units. */
export const MAX_ID_LENGTH = 256
/** Longest name, for instance of a model, an author or a tool. */
export const MAX_NAME_LENGTH = 128

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

/** Throws BadUserInputError unless the text is of the length of a client's id. */
export function checkId(field: string, id: string): void {
  checkText(field, id, 1, MAX_ID_LENGTH)
}

/** Throws BadUserInputError unless the text is of a name's length. */
export function checkName(field: string, name: string): void {
  checkText(field, name, 1, MAX_NAME_LENGTH)
}
