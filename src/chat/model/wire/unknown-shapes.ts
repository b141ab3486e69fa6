import type { DataPart, Json } from '../../../memory/message.ts'
import { broken } from '../openai-error.ts'
import { namesOf } from './dialects/dialect.ts'
import { SILENT, SILENT_LINES } from './dialects/silent-dialects.ts'
import { type Fields, storableOf } from './fields.ts'

/** Where a shape stood that nobody knows. */
export type UnknownPlace = 'event' | 'choice' | 'delta' | 'call' | 'line'

/** What no reader of an answer understood. */
export interface UnknownShapes {
  /** A value that says something; numbers, marks and blanks say nothing. */
  note(place: UnknownPlace, field: string, value: unknown): void
  /** The fields of an object but those that are known. */
  noteOthers(place: UnknownPlace, fields: Fields, known: ReadonlySet<string>): void
  /** A line that is no JSON; whether it says something. */
  noteLine(text: string): boolean
  /** An item of content of an unknown kind as a part. Throws ModelError for what cannot be stored or is too much. */
  readItem(item: unknown): DataPart
  /** What was noted since the last call, as a part of the message; undefined where that is nothing. */
  take(): DataPart | undefined
  /** How many values were noted, and the names of the first fields that are plain words. */
  summary(): { count: number; names: readonly string[] }
}

/** The name of a data part that holds what was not understood. */
export const UNKNOWN_CONTENT = 'unknown content of the model'

/** More is counted and not kept. */
const MAX_UNKNOWN_CHARACTERS = 64 * 1024
const MAX_UNKNOWN_FIELDS = 20
const MAX_UNKNOWN_PARTS = 100
/** Of one object: an event of a megabyte has room for a hundred thousand. */
const NOTED_AT_ONCE = 1_000
const KEPT_NAME = 64
const MAX_SHOWN_NAMES = 5
const SEARCHED_DEPTH = 4
const QUIET_LINES = new Set(namesOf(SILENT_LINES, 'a sign of life'))

/** What says nothing in an event. */
export const SILENT_EVENT: ReadonlySet<string> = new Set(namesOf(SILENT, 'nothing in an event'))

interface Noted {
  in: UnknownPlace
  field: string
  /** Texts are pieces of one. */
  texts: string[]
  values: Json[]
  omittedCharacters: number
}

/** Nothing noted yet. */
export function createUnknownShapes(): UnknownShapes {
  let noted = new Map<string, Noted>()
  let characters = 0
  let count = 0
  let items = 0
  let itemCharacters = 0
  const names = new Set<string>()

  function note(place: UnknownPlace, field: string, value: unknown): void {
    if (!saysSomething(value, 0)) return
    count += 1
    if (names.size < MAX_SHOWN_NAMES && field.length <= 32 && /^[\w.-]+$/.test(field)) names.add(field)
    const name = field.slice(0, KEPT_NAME).toWellFormed()
    const key = `${place} ${name}`
    const entry = noted.get(key) ?? { in: place, field: name, texts: [], values: [], omittedCharacters: 0 }
    if (noted.size < MAX_UNKNOWN_FIELDS) noted.set(key, entry)
    keep(entry, value)
  }

  function keep(entry: Noted, value: unknown): void {
    const storable = typeof value === 'string' ? value : storableOf(value)
    const length = typeof value === 'string' ? value.length : JSON.stringify(value).length
    characters += length
    if (storable === undefined || characters > MAX_UNKNOWN_CHARACTERS) entry.omittedCharacters += length
    else if (typeof storable === 'string') entry.texts.push(storable)
    else entry.values.push(storable)
  }

  function noteOthers(place: UnknownPlace, fields: Fields, known: ReadonlySet<string>): void {
    let others = 0
    for (const [field, value] of Object.entries(fields)) {
      if (known.has(field)) continue
      note(place, field, value)
      others += 1
      if (others === NOTED_AT_ONCE) return
    }
  }

  function noteLine(text: string): boolean {
    if (QUIET_LINES.has(text.trim().toLowerCase())) return false
    note('line', '', `${text}\n`)
    return true
  }

  function readItem(item: unknown): DataPart {
    const data = storableOf(item)
    items += 1
    itemCharacters += data === undefined ? 0 : JSON.stringify(data).length
    if (data === undefined || items > MAX_UNKNOWN_PARTS || itemCharacters > MAX_UNKNOWN_CHARACTERS) {
      throw broken('The model sent content of an unknown kind.')
    }
    return { type: 'data', name: UNKNOWN_CONTENT, data }
  }

  function take(): DataPart | undefined {
    if (noted.size === 0) return undefined
    const data = [...noted.values()].map(toJson)
    noted = new Map()
    return { type: 'data', name: UNKNOWN_CONTENT, data }
  }

  return { note, noteOthers, noteLine, readItem, take, summary: () => ({ count, names: [...names] }) }
}

function toJson({ in: place, field, texts, values, omittedCharacters }: Noted): Json {
  return {
    in: place,
    ...(field !== '' && { field }),
    ...(texts.length > 0 && { text: texts.join('').toWellFormed() }),
    ...(values.length > 0 && { values }),
    ...(omittedCharacters > 0 && { omittedCharacters }),
  }
}

/** Whether there is a text in it; what is too deep to know may have one. */
function saysSomething(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.trim() !== ''
  if (typeof value !== 'object' || value === null) return false
  return depth > SEARCHED_DEPTH || Object.values(value).some((inner) => saysSomething(inner, depth + 1))
}
