import { closest, distance } from 'fastest-levenshtein'

/** A variable that is none of ours, and the setting that was probably meant. */
export interface UnknownSetting {
  name: string
  nearest: string
  /** Says so in a sentence without its full stop. */
  message: string
}

/** What people call our settings elsewhere. */
const ALIASES = new Map([
  ['MONGO_URI', 'MONGODB_URL'],
  ['MONGO_URL', 'MONGODB_URL'],
  ['REDIS_URLS', 'REDIS_URL'],
  ['OPENAI_API_BASE', 'OPENAI_BASE_URL'],
  ['OPENAI_KEY', 'OPENAI_API_KEY'],
])
/** The same for names that other programs of a machine have: beside our setting they are most likely theirs. */
const ALIASES_OF_OTHERS = new Map([
  ['DATABASE_URL', 'MONGODB_URL'],
  ['REDIS_HOST', 'REDIS_URL'],
  ['MODEL', 'OPENAI_MODEL'],
  ['LOGLEVEL', 'LOG_LEVEL'],
])

/** Of shorter names a letter more or less is another word: HOST and HOME. */
const MIN_LENGTH = 7
const MAX_DISTANCE = 2
/** Many programs have their name before their settings. */
const PREFIX = 'BACKSCROLL_'

/** The variables that look like one of the settings and are none. */
export function findUnknownSettings(
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly string[],
): UnknownSetting[] {
  return Object.keys(environment).flatMap((name) => {
    if (settings.includes(name)) return []
    const isOfOthers = ALIASES_OF_OTHERS.has(name)
    const nearest = ALIASES.get(name) ?? ALIASES_OF_OTHERS.get(name) ?? nearestOf(name, settings)
    if (nearest === undefined) return []
    if (environment[nearest] === undefined)
      return [{ name, nearest, message: `${name} is no setting: ${nearest} may be meant` }]
    return isOfOthers ? [] : [{ name, nearest, message: `${name} is no setting and is ignored: ${nearest} counts` }]
  })
}

function nearestOf(name: string, settings: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  if (upper.startsWith(PREFIX)) {
    const own = upper.slice(PREFIX.length)
    return settings.includes(own) ? own : nearestOf(own, settings)
  }
  if (name.length < MIN_LENGTH) return undefined
  const nearest = closest(upper, [...settings])
  return distance(upper, nearest) <= MAX_DISTANCE ? nearest : settings.find((each) => each.startsWith(`${upper}_`))
}
