import { BadUserInputError } from '../errors.ts'
import type { Json, Metadata } from '../memory/message.ts'

/*
 * What a file holds is read in one style: a function named readX takes the place in the file and the value that
 * JSON.parse gave, and returns it with its type, or throws BadUserInputError, which names the place, what it must be
 * and the kind of the value, for the value is somebody's. Null counts as absent. What has its types is checked as API input is (memory/input).
 *
 * By hand, as it is 60 lines: zod and valibot name places as lists of keys and do not show values, so both would need
 * a translation of their errors of about that length, and importing zod takes 70 ms of processor time at each start.
 */

/** An object of a file. */
export type JsonObject = Record<string, unknown>

/** Reads a value at a place of a file, or throws BadUserInputError. */
export type Read<T> = (field: string, value: unknown) => T

/** The fields of one object of a file. */
export interface Fields {
  /** A field that must be there. */
  get<T>(name: string, read: Read<T>): T
  /** A field that may be absent. */
  maybe<T>(name: string, read: Read<T>): T | undefined
}

/** Throws BadUserInputError that names the field and the kind of the value. */
function refuse(field: string, limit: string, value: unknown): never {
  throw new BadUserInputError(field, limit, kindOf(value))
}

/** What a value is, without what it says: a number, a mark or nothing as it is. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return value === undefined ? 'nothing' : String(value)
}

/** Whether the value is an object, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value as an object, or a BadUserInputError. */
function readObject(field: string, value: unknown): JsonObject {
  return isObject(value) ? value : refuse(field, 'an object', value)
}

/** The fields of the value, which must be an object. */
export function readFields(field: string, value: unknown): Fields {
  const object = readObject(field, value)
  return { get, maybe }

  function get<T>(name: string, read: Read<T>): T {
    return read(`${field}.${name}`, object[name])
  }

  function maybe<T>(name: string, read: Read<T>): T | undefined {
    return optional(read, `${field}.${name}`, object[name])
  }
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

/** Reads one of a few words. */
export function readWordOf<Word extends string>(words: readonly Word[]): Read<Word> {
  return (field, value) => words.find((word) => word === value) ?? refuse(field, `one of ${words.join(', ')}`, value)
}

/** The value as metadata; its keys and values are checked as those of API input. */
export function readMetadata(field: string, value: unknown): Metadata {
  return readObject(field, value) as Metadata
}

/** The value, whatever it is. */
export function readAny(_field: string, value: unknown): unknown {
  return value
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

/** The text, if it is one that says something. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The values of a list; none, if it is no list. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** The object, or an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** Epoch milliseconds of a time in any of the forms that files have: as `readTime`, and numbers as text. */
export function timeOf(value: unknown): number | undefined {
  const given = typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : value
  try {
    return optional(readTime, 'time', given)
  } catch {
    return undefined
  }
}

/** Reads a field that may be absent. */
export function optional<T>(read: Read<T>, field: string, value: unknown): T | undefined {
  return value == null ? undefined : read(field, value)
}
