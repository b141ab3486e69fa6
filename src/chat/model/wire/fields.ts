import { checkJson } from '../../../memory/input/check-json.ts'
import type { Json } from '../../../memory/message.ts'

/** A JSON object of which nothing is known. */
export interface Fields {
  readonly [field: string]: unknown
}

/** The largest number that GraphQL's Int holds. */
export const MAX_INT = 2 ** 31 - 1

/** A value as an object; undefined where it is none. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

/** A list as it is, a single value as a list of one, nothing as none. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

/** A text that says something; numbers are texts too. Undefined for all else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number from 0 that GraphQL's Int holds, also where it is written as a text; undefined for all else. */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= MAX_INT ? number : undefined
}

/** A value that every store keeps as it is; undefined for what is too deep or not well-formed. */
export function storableOf(value: unknown): Json | undefined {
  try {
    checkJson('value', value as Json)
    return value as Json
  } catch {
    return undefined
  }
}
