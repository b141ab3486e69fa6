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
  const nearest = closest(upper, [...settings])
  return name.length >= MIN_LENGTH && distance(upper, nearest) <= MAX_DISTANCE ? nearest : undefined
}
