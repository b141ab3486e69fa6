import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'

/** An issuer of tokens with a server of its public keys on loopback. */
export interface TokenIssuer {
  url: string
  /** Reads of the keys. */
  readonly reads: number
  /** What the server answers from now on. */
  answer(how: (response: ServerResponse) => void): void
  /** A new key, whose private part signs from now on; the old ones stay published unless they are withdrawn. */
  rotate(withdraws?: boolean): Promise<void>
  /** A token as it should be, but for what is changed; null leaves a claim away. */
  sign(changes?: Claims, header?: { alg?: string; kid?: string | null }): Promise<string>
  /** Public keys, as they are published. */
  readonly keys: readonly JWK[]
}

/** What a token says, or null where it says nothing of it. */
export type Claims = Record<string, unknown>

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'backscroll'

/** Of one algorithm; closed when the test ends. */
export async function startTokenIssuer(alg = 'ES256'): Promise<TokenIssuer> {
  const keys: JWK[] = []
  let signing: { kid: string; key: CryptoKey }
  let reads = 0
  const publish = (response: ServerResponse) => response.end(JSON.stringify({ keys }))
  let respond: (response: ServerResponse) => void = publish
  const http = createServer((_, response) => {
    reads += 1
    respond(response)
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })

  async function rotate(withdraws = false): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const kid = `key-${keys.length + 1}-${withdraws}`
    if (withdraws) keys.length = 0
    keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })
    signing = { kid, key: privateKey }
  }

  function sign(changes: Claims = {}, { kid, ...header }: { alg?: string; kid?: string | null } = {}): Promise<string> {
    const named = kid === null ? {} : { kid: kid ?? signing.kid }
    return new SignJWT(claims(changes)).setProtectedHeader({ alg, ...named, ...header }).sign(signing.key)
  }

  await rotate()
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/keys`,
    get reads() {
      return reads
    },
    answer: (how) => {
      respond = how
    },
    rotate,
    sign,
    keys,
  }
}

/** As an issuer writes them: good for an hour. */
export function claims(changes: Claims = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1_000)
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'user-1', iat: now, exp: now + 3_600, ...changes }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
}

export const SECRET = 'a secret that has thirty-two bytes at least'

/** A token by a shared secret. */
export function signBySecret(changes: Claims = {}): Promise<string> {
  return new SignJWT(claims(changes)).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET))
}
