import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'

/** Finds the key that verifies a token, as `jwtVerify` asks for it. */
export type KeySet = (header?: JWSHeaderParameters, token?: FlattenedJWSInput) => Promise<CryptoKey>

/** Where the keys of a token's issuer are, and who hears how reading them goes. */
export interface KeySetDeps {
  url: string
  /** Milliseconds since 1970. */
  now(): number
  onFault(error: unknown): void
  onSuccess(): void
}

/** Keys cannot be read; the token that needs one may be good all the same. */
export class KeysUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The keys of tokens cannot be read.', { cause })
    this.name = 'KeysUnavailableError'
  }
}

/** For the whole answer. */
const READ_TIMEOUT_MS = 3_000
/** A token of an unknown key has them read anew, but no sooner than this after they were read or could not be. */
const COOLDOWN_MS = 30_000
const FAULT_COOLDOWN_MS = 5_000
/** Older ones serve while they are read anew: a key that was withdrawn is gone then. */
const REFRESH_MS = 600_000
const MAX_SET_BYTES = 1_048_576

/**
 * The keys that a server publishes. jose's own remote set has none any more when its keys are old and that server is
 * away, and asks a server that fails once more for every token: here those that were read last go on.
 */
export function createKeySet({ url, now, onFault, onSuccess }: KeySetDeps): KeySet {
  let keys: KeySet | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let failed: { error: KeysUnavailableError; at: number } | undefined
  let reading: Promise<KeySet> | undefined
  return find

  async function find(...asked: Parameters<KeySet>): Promise<CryptoKey> {
    const known = keys ?? (await read())
    if (now() - readAt > REFRESH_MS) void read().catch(() => undefined)
    try {
      return await known(...asked)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - readAt < COOLDOWN_MS) throw error
      return (await read())(...asked)
    }
  }

  function read(): Promise<KeySet> {
    if (failed !== undefined && now() - failed.at < FAULT_COOLDOWN_MS) return Promise.reject(failed.error)
    reading ??= readSet(url)
      .then(createLocalJWKSet)
      .then(keep, fail)
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  function keep(set: KeySet): KeySet {
    keys = set
    readAt = now()
    failed = undefined
    onSuccess()
    return set
  }

  function fail(cause: unknown): never {
    failed = { error: new KeysUnavailableError(cause), at: now() }
    onFault(cause)
    throw failed.error
  }
}

async function readSet(url: string): Promise<JSONWebKeySet> {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(READ_TIMEOUT_MS) })
  if (response.status !== 200) throw new Error(`The status is ${response.status}.`)
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > MAX_SET_BYTES) throw new Error(`The answer has over ${MAX_SET_BYTES} bytes.`)
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString()) as JSONWebKeySet
  } catch {
    throw new Error('The answer is no JSON.')
  }
}
