import { closest, distance } from 'fastest-levenshtein'

/** A variable that is none of ours, and the setting that was probably meant. */
export interface UnknownSetting {
  name: string
  nearest: string
}

/** What people call our settings elsewhere. */
const ALIASES: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  MONGO_URI: 'MONGODB_URL',
  MONGO_URL: 'MONGODB_URL',
  DATABASE_URL: 'MONGODB_URL',
  REDIS_HOST: 'REDIS_URL',
  REDIS_URLS: 'REDIS_URL',
  OPENAI_API_BASE: 'OPENAI_BASE_URL',
  OPENAI_KEY: 'OPENAI_API_KEY',
  MODEL: 'OPENAI_MODEL',
  LOGLEVEL: 'LOG_LEVEL',
})

/** Of shorter names a letter more or less is another word: HOST and HOME. */
const MIN_LENGTH = 7
const MAX_DISTANCE = 2
/** Many programs have their name before their settings. */
const PREFIX = 'BACKSCROLL_'

/** The variables that look like one of the settings and are none. A setting that is there too was meant as it is. */
export function findUnknownSettings(
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly string[],
): UnknownSetting[] {
  return Object.keys(environment).flatMap((name) => {
    if (settings.includes(name)) return []
    const nearest = ALIASES[name] ?? nearestOf(name, settings)
    return nearest === undefined || environment[nearest] !== undefined ? [] : [{ name, nearest }]
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
