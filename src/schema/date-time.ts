import { GraphQLScalarType } from 'graphql'
import { GraphQLDateTime } from 'graphql-scalars'

const DAY_MS = 86_400_000
/** Where the digits are in a text like 1970-01-01T00:00:00.000Z. */
const HOURS_AT = 11
const MINUTES_AT = 14
const SECONDS_AT = 17
const HUNDREDTHS_AT = 20
const THOUSANDTHS_AT = 22
/** The code of the digit 0. */
const ZERO = 48

/**
 * The scalar of graphql-scalars, which reads times; it writes them, or epoch milliseconds, as text at once. With one
 * Date in it JSON.stringify is eight times slower, and a Date for each message takes a fifth of a context's execution.
 */
export function createDateTime(): GraphQLScalarType<Date, string> {
  const toIso = createIsoTimes()
  const write = (value: unknown) => toIso(value instanceof Date ? value.getTime() : (value as number))
  return new GraphQLScalarType({ ...GraphQLDateTime.toConfig(), serialize: write, coerceOutputValue: write })
}

/**
 * Writes times as `Date.toISOString` does, in a sixth of the time: into one text, whose date changes once a day.
 * Strings that are added instead are trees to V8, for which JSON.stringify takes twice the time.
 */
function createIsoTimes(): (ms: number) => string {
  const text = Buffer.from('1970-01-01T00:00:00.000Z')
  let day = 0
  return (ms) => {
    const itsDay = Math.floor(ms / DAY_MS)
    if (itsDay !== day) {
      const iso = new Date(ms).toISOString()
      // Years of more than four digits are nobody's.
      if (iso.length > text.length) return iso
      text.write(iso)
      day = itsDay
    }
    const dayMs = ms - day * DAY_MS
    const seconds = Math.floor(dayMs / 1_000)
    const minutes = Math.floor(seconds / 60)
    writeTwoDigits(text, HOURS_AT, Math.floor(minutes / 60))
    writeTwoDigits(text, MINUTES_AT, minutes % 60)
    writeTwoDigits(text, SECONDS_AT, seconds % 60)
    writeTwoDigits(text, HUNDREDTHS_AT, Math.floor(dayMs / 10) % 100)
    text[THOUSANDTHS_AT] = ZERO + (dayMs % 10)
    return text.toString('latin1')
  }
}

function writeTwoDigits(text: Buffer, at: number, number: number): void {
  text[at] = ZERO + Math.floor(number / 10)
  text[at + 1] = ZERO + (number % 10)
}
