import { parseServiceKeys, type ServiceKey } from './service-keys.ts'

/** Who may ask; nobody has to prove anything where none of the first three is set. */
export interface AccessSettings {
  /** Where the public keys of the tokens' issuer are. */
  jwksUrl?: string
  jwtSecret?: string
  serviceKeys: readonly ServiceKey[]
  issuer?: string
  audience?: string
  ownerClaim: string
  tenantClaim?: string
}

/** The variables that are read. */
export const ACCESS_SETTINGS = [
  'AUTH_JWKS_URL',
  'AUTH_JWT_SECRET',
  'AUTH_ISSUER',
  'AUTH_AUDIENCE',
  'AUTH_OWNER_CLAIM',
  'AUTH_TENANT_CLAIM',
  'SERVICE_KEYS',
] as const

type Text = (name: (typeof ACCESS_SETTINGS)[number]) => string | undefined

/** RFC 7518, 3.2: as long as what HS256 makes of it. */
const MIN_SECRET_BYTES = 32
const OWNER_CLAIM = 'sub'

/** Reads them; adds a line for each mistake, without secrets. */
export function loadAccessSettings(text: Text, faults: string[]): AccessSettings {
  const serviceKeys = parseServiceKeys(text('SERVICE_KEYS'))
  const settings = {
    ...absentOr('jwksUrl', text('AUTH_JWKS_URL')),
    ...absentOr('jwtSecret', text('AUTH_JWT_SECRET')),
    ...absentOr('issuer', text('AUTH_ISSUER')),
    ...absentOr('audience', text('AUTH_AUDIENCE')),
    ...absentOr('tenantClaim', text('AUTH_TENANT_CLAIM')),
    ownerClaim: text('AUTH_OWNER_CLAIM') ?? OWNER_CLAIM,
    serviceKeys: typeof serviceKeys === 'string' ? [] : serviceKeys,
  }
  if (typeof serviceKeys === 'string') faults.push(`SERVICE_KEYS ${serviceKeys}`)
  faults.push(...keyFaults(settings), ...ruleFaults(text))
  return settings
}

/** Whether there is any way to prove who one is. */
export function isProven({ jwksUrl, jwtSecret, serviceKeys }: AccessSettings): boolean {
  return jwksUrl !== undefined || jwtSecret !== undefined || serviceKeys.length > 0
}

function absentOr<Name extends string>(name: Name, value: string | undefined): { [Key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: string })
}

function keyFaults({ jwksUrl, jwtSecret, issuer, audience }: AccessSettings): string[] {
  const faults: string[] = []
  if (jwksUrl !== undefined && jwtSecret !== undefined) {
    faults.push('AUTH_JWKS_URL and AUTH_JWT_SECRET must not both be set: tokens have one issuer.')
  }
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES) {
    faults.push(`AUTH_JWT_SECRET must have at least ${MIN_SECRET_BYTES} bytes; got ${Buffer.byteLength(jwtSecret)}.`)
  }
  if (jwksUrl === undefined) return faults
  if (!/^https?:$/.test(URL.parse(jwksUrl)?.protocol ?? ''))
    faults.push('AUTH_JWKS_URL must be a URL of https or http.')
  // An issuer's keys sign for all of its clients.
  if (issuer === undefined) faults.push('AUTH_ISSUER must be set with AUTH_JWKS_URL.')
  if (audience === undefined) faults.push('AUTH_AUDIENCE must be set with AUTH_JWKS_URL.')
  return faults
}

/** What asks of tokens, where there are none, was meant to keep somebody out. */
function ruleFaults(text: Text): string[] {
  if (text('AUTH_JWKS_URL') !== undefined || text('AUTH_JWT_SECRET') !== undefined) return []
  const given = ACCESS_SETTINGS.filter((name) => name !== 'SERVICE_KEYS' && (text(name) ?? OWNER_CLAIM) !== OWNER_CLAIM)
  return given.map((name) => `${name} has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET.`)
}
