import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Keys of back ends, of which only digests are known. */
export interface ServiceKeys {
  /** Whether one of them has this SHA-256. Takes as long whichever it is. */
  has(digest: Buffer): boolean
}

/** A key as a setting names it. */
export interface ServiceKey {
  name: string
  /** Of the key's text, in hexadecimal digits. */
  sha256: string
}

/** How a key begins, so that those who scan for leaked secrets know it. */
const PREFIX = 'bsk_'
const KEY_BYTES = 32
const NAME = /^[a-z\d][\w-]{0,63}$/i
const ENTRY = /^([a-z\d][\w-]{0,63}):([\da-f]{64})$/i

/** Compares in constant time. */
export function createServiceKeys(keys: readonly ServiceKey[]): ServiceKeys {
  const digests = keys.map(({ sha256 }) => Buffer.from(sha256, 'hex'))

  function has(digest: Buffer): boolean {
    let isKnown = false
    for (const one of digests) isKnown = timingSafeEqual(one, digest) || isKnown
    return isKnown
  }

  return { has }
}

/** A new key, to be shown once, and what `SERVICE_KEYS` has of it; undefined for a name that cannot stand there. */
export function makeServiceKey(name: string): { key: string; entry: string } | undefined {
  if (!NAME.test(name)) return undefined
  const key = PREFIX + randomBytes(KEY_BYTES).toString('base64url')
  return { key, entry: `${name}:${hash('sha256', key)}` }
}

/** The keys of `SERVICE_KEYS`, or what is wrong with it, without what it holds: that may be a key. */
export function parseServiceKeys(text: string | undefined): ServiceKey[] | string {
  if (text === undefined) return []
  const entries = text.split(',').map((entry) => ENTRY.exec(entry.trim()))
  const wrong = entries.indexOf(null)
  if (wrong >= 0) return `must be name:sha256 with commas, as npm run service-key prints it; entry ${wrong + 1} is not.`
  const keys = entries.map((entry) => ({ name: entry?.[1] ?? '', sha256: entry?.[2] ?? '' }))
  const isTwice = new Set(keys.map(({ name }) => name)).size < keys.length
  return isTwice ? 'must have a name once only: remove the old key when the new one is in use.' : keys
}
