import { createSecretKey, type KeyObject } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { type Caller, faultOfOwnerId, LOCAL_OWNER } from './caller.ts'
import { type KeySet, KeysUnavailableError } from './key-set.ts'
import { type AccessRefusal, UNAVAILABLE, unauthenticated } from './refusals.ts'

/** Verifies the JSON Web Tokens that an issuer signs. */
export interface Tokens {
  /** The digest is that of the token, by which it is known again. Never rejects. */
  verify(token: string, digest: string): Promise<Caller | AccessRefusal>
}

/** What a token must say. */
export interface TokenRules {
  issuer?: string | undefined
  audience?: string | undefined
  /** The claim that names the owner. */
  ownerClaim: string
  /** The claim that names the tenant whose owner it is; the owner's id has both then. */
  tenantClaim?: string | undefined
}

/** By what tokens are verified: a secret that is shared with the issuer, or its public keys. */
export type TokenKeys = { secret: string } | { publicKeys: KeySet }

const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']
const PUBLIC_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
/** By which clocks may differ. */
const CLOCK_SKEW_SECONDS = 30
const MAX_VERIFIED = 10_000
/** Of those that fit a token that names none. */
const MAX_TRIED_KEYS = 8

const CLAIM_FAULTS: ReadonlyMap<string, string> = new Map([
  ['nbf', 'The token is not valid yet.'],
  ['iss', 'The token is of another issuer.'],
  ['aud', 'The token is for another audience.'],
  ['exp', 'The token must say when it expires (exp).'],
])

/** A token is verified once and then known until it expires, so that a request does not pay for it again. */
export function createTokens(keys: TokenKeys, rules: TokenRules, now: () => number): Tokens {
  const known = new LRUCache<string, Caller>({ max: MAX_VERIFIED })
  const key = 'secret' in keys ? createSecretKey(Buffer.from(keys.secret)) : keys.publicKeys
  const options: JWTVerifyOptions = {
    algorithms: 'secret' in keys ? SECRET_ALGORITHMS : PUBLIC_ALGORITHMS,
    ...(rules.issuer !== undefined && { issuer: rules.issuer }),
    ...(rules.audience !== undefined && { audience: rules.audience }),
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp'],
  }
  return { verify }

  async function verify(token: string, digest: string): Promise<Caller | AccessRefusal> {
    const kept = known.get(digest)
    if (kept?.expiresAt !== undefined && kept.expiresAt > now()) return kept
    try {
      const payload = await verifyWith(token, key, { ...options, currentDate: new Date(now()) })
      const caller = callerOf(payload, rules)
      if (!('status' in caller)) known.set(digest, caller)
      return caller
    } catch (error) {
      return refusalOf(error)
    }
  }
}

async function verifyWith(token: string, key: KeyObject | KeySet, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    const { payload } =
      typeof key === 'function' ? await jwtVerify(token, key, options) : await jwtVerify(token, key, options)
    return payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    return verifyWithAny(token, error, options)
  }
}

/** While keys are exchanged there are two, and some issuers name none in the token. */
async function verifyWithAny(
  token: string,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let tried = 0
  for await (const key of candidates) {
    tried += 1
    if (tried > MAX_TRIED_KEYS) break
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** Two names are one without doubt: the tenant's has no slash in it. */
function callerOf(payload: JWTPayload, { ownerClaim, tenantClaim }: TokenRules): Caller | AccessRefusal {
  const owner = payload[ownerClaim]
  const tenant = tenantClaim === undefined ? undefined : payload[tenantClaim]
  if (typeof owner !== 'string' || owner === '') return nameless(ownerClaim)
  if (tenantClaim !== undefined && (typeof tenant !== 'string' || tenant === '')) return nameless(tenantClaim)
  const ownerId = typeof tenant === 'string' ? `${encodeURIComponent(tenant.toWellFormed())}/${owner}` : owner
  const fault = ownerId === LOCAL_OWNER ? 'must not be local, which is reserved' : faultOfOwnerId(ownerId)
  if (fault !== undefined) return unauthenticated(`The owner of the token ${fault}.`)
  return { ownerId, proof: 'TOKEN', expiresAt: (Number(payload.exp) + CLOCK_SKEW_SECONDS) * 1_000 }
}

function nameless(claim: string): AccessRefusal {
  return unauthenticated(`The token must name its owner: the claim ${claim.slice(0, 40)} is no text.`)
}

/** What jose says quotes the token's claims, which no answer repeats. */
function refusalOf(error: unknown): AccessRefusal {
  if (error instanceof KeysUnavailableError) return UNAVAILABLE
  if (error instanceof errors.JWTExpired) return unauthenticated('The token has expired.')
  const fault = error instanceof errors.JWTClaimValidationFailed ? CLAIM_FAULTS.get(error.claim) : undefined
  return unauthenticated(fault ?? 'The token cannot be verified.')
}
