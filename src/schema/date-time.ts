import { GraphQLScalarType } from 'graphql'
import { GraphQLDateTime } from 'graphql-scalars'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/**
 * The scalar of graphql-scalars, which reads times; it writes them, or epoch milliseconds, as text at once. With one
 * Date in it JSON.stringify is eight times slower, and a Date for each message takes a fifth of a context's execution.
 */
export function createDateTime(): GraphQLScalarType<Date, string> {
  const toIso = createIsoTimes()
  const write = (value: unknown) => toIso(value instanceof Date ? value.getTime() : (value as number))
  return new GraphQLScalarType({ ...GraphQLDateTime.toConfig(), serialize: write, coerceOutputValue: write })
}

/** Writes times as `Date.toISOString` does: those of one day in a fifth of the time. */
function createIsoTimes(): (ms: number) => string {
  let day = Number.NaN
  let date = ''
  return (ms) => {
    const itsDay = Math.floor(ms / DAY_MS)
    if (itsDay !== day) {
      date = new Date(ms).toISOString().slice(0, -13)
      day = itsDay
    }
    const dayMs = ms - day * DAY_MS
    const minuteMs = dayMs % MINUTE_MS
    // Joined, not added: JSON.stringify takes twice the time for strings that V8 keeps as trees of their parts.
    return [
      date,
      MINUTES[(dayMs - minuteMs) / MINUTE_MS],
      SECONDS[(minuteMs / 1_000) | 0],
      THOUSANDTHS[minuteMs % 1_000],
    ].join('')
  }
}

const MINUTES = Array.from(
  { length: 1_440 },
  (_, minute) => `${pad(Math.floor(minute / 60), 2)}:${pad(minute % 60, 2)}:`,
)
const SECONDS = Array.from({ length: 60 }, (_, second) => `${pad(second, 2)}.`)
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, ms) => `${pad(ms, 3)}Z`)

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}
