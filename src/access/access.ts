import { hash } from 'node:crypto'
import type { Log } from '../log.ts'
import { type Caller, faultOfOwnerId, LOCAL_CALLER, LOCAL_OWNER } from './caller.ts'
import { createExpiries, type Expiries } from './expiries.ts'
import { type AccessRefusal, unauthenticated, unproven } from './refusals.ts'
import type { ServiceKeys } from './service-keys.ts'
import type { Tokens } from './tokens.ts'

/** Decides who asks. */
export interface Access extends Expiries {
  /** Whether everybody has to prove who they are; else all are the one owner `local`. */
  readonly isProven: boolean
  /** Before anything of a request is read but its head, or of a WebSocket but its `connection_init`. Never rejects. */
  admit(credentials: Credentials): Promise<Caller | AccessRefusal>
}

/** What a client shows: headers of a request, or what a WebSocket was initialised with. */
export interface Credentials {
  authorization?: unknown
  /** The owner that a back end acts for, which a service key proves. */
  owner?: unknown
}

/** What an access is made of; nobody has to prove anything where it has neither tokens nor keys. */
export interface AccessDeps {
  tokens?: Tokens | undefined
  serviceKeys?: ServiceKeys | undefined
  log: Log
  /** Milliseconds since 1970. */
  now(): number
}

/** Longer ones are in no head of a request; over WebSocket they could be. */
const MAX_TOKEN_CHARS = 16_384
const BEARER = /^bearer ([\w.~+/-]+=*)$/i

const NOTHING_SHOWN = unproven('Send a token or a service key, as `authorization: Bearer …`.')
const NO_BEARER = unauthenticated('authorization must be `Bearer` and one token or service key.')
const UNKNOWN_KEY = unauthenticated('The service key is unknown.')
const FOREIGN_OWNER = unauthenticated('The owner must be that of the token: only a service key acts for others.')

/** One admission for all ways in. */
export function createAccess({ tokens, serviceKeys, log, now }: AccessDeps): Access {
  const isProven = tokens !== undefined || serviceKeys !== undefined
  return { isProven, admit, ...createExpiries(now) }

  async function admit({ authorization, owner }: Credentials): Promise<Caller | AccessRefusal> {
    if (!isProven) return LOCAL_CALLER
    const admitted = await prove(authorization, owner)
    if ('status' in admitted) log.debug({ status: admitted.status, reason: admitted.message }, 'a caller was refused')
    return admitted
  }

  async function prove(authorization: unknown, owner: unknown): Promise<Caller | AccessRefusal> {
    if (authorization === undefined || authorization === null) return NOTHING_SHOWN
    const bearer = bearerOf(authorization)
    if (bearer === undefined) return NO_BEARER
    const digest = hash('sha256', bearer, 'buffer')
    if (serviceKeys?.has(digest)) return callerOfKey(owner)
    const caller = await tokens?.verify(bearer, digest.toString('base64'))
    if (caller === undefined) return UNKNOWN_KEY
    if ('status' in caller || owner === undefined || owner === null || owner === caller.ownerId) return caller
    return FOREIGN_OWNER
  }
}

function bearerOf(authorization: unknown): string | undefined {
  if (typeof authorization !== 'string' || authorization.length > MAX_TOKEN_CHARS) return undefined
  return BEARER.exec(authorization)?.[1]
}

function callerOfKey(owner: unknown): Caller | AccessRefusal {
  if (typeof owner !== 'string') {
    return unauthenticated('With a service key x-backscroll-owner, over WebSocket `owner`, must name one owner.')
  }
  const fault = owner === LOCAL_OWNER ? 'must not be local, which is reserved' : faultOfOwnerId(owner)
  return fault === undefined ? { ownerId: owner, proof: 'SERVICE_KEY' } : unauthenticated(`The owner ${fault}.`)
}
