import { BadUserInputError } from '../errors.ts'
import type { Json } from '../memory/message.ts'

/** A value that JSON.parse gave, and where it stood in the file. Null counts as absent throughout. */
export type JsonObject = Record<string, unknown>

/** Throws BadUserInputError that names the field and shows the value, shortened. */
export function refuse(field: string, limit: string, value: unknown): never {
  throw new BadUserInputError(field, limit, value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 64))
}

/** Whether the value is an object, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value as an object, or a BadUserInputError. */
export function readObject(field: string, value: unknown): JsonObject {
  return isObject(value) ? value : refuse(field, 'an object', value)
}

/** The value as a list, or a BadUserInputError. */
export function readList(field: string, value: unknown): unknown[] {
  return Array.isArray(value) ? value : refuse(field, 'a list', value)
}

/** The value as a string, or a BadUserInputError. */
export function readText(field: string, value: unknown): string {
  return typeof value === 'string' ? value : refuse(field, 'a string', value)
}

/** The value as a number from 0 on, or a BadUserInputError. */
export function readAmount(field: string, value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : refuse(field, 'a number from 0 on', value)
}

/** The value as true or false, or a BadUserInputError. */
export function readFlag(field: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(field, 'true or false', value)
}

/** The value as one of a few words, or a BadUserInputError. */
export function readWord<Word extends string>(field: string, value: unknown, words: readonly Word[]): Word {
  return words.find((word) => word === value) ?? refuse(field, `one of ${words.join(', ')}`, value)
}

/** What JSON.parse gave is JSON. */
export function readJson(value: unknown): Json {
  return value as Json
}

/** Epoch milliseconds of an ISO 8601 date, or of a number: small ones are seconds, as no message is of 1970. */
export function readTime(field: string, value: unknown): number {
  const time = typeof value === 'number' ? (value < FIRST_MILLISECONDS ? value * 1000 : value) : isoTime(value)
  return Math.abs(time) <= LAST_TIME ? Math.round(time) : refuse(field, 'a date (ISO 8601, or since 1970)', value)
}

/** As milliseconds this is in 1973, as seconds in the year 5138. */
const FIRST_MILLISECONDS = 100_000_000_000
/** The last that JavaScript's dates know. */
const LAST_TIME = 8_640_000_000_000_000

function isoTime(value: unknown): number {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
}

/** Reads a field that may be absent. */
export function optional<T>(read: (field: string, value: unknown) => T, field: string, value: unknown): T | undefined {
  return value == null ? undefined : read(field, value)
}
