import { createHmac } from 'node:crypto'
import { exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type Access, createAccess } from '../../src/access/access.ts'
import { createKeySet } from '../../src/access/key-set.ts'
import { createTokens, type TokenKeys, type TokenRules } from '../../src/access/tokens.ts'
import { createKeptLog } from '../support/kept-log.ts'
import {
  AUDIENCE,
  type Claims,
  claims,
  ISSUER,
  SECRET,
  startTokenIssuer,
  type TokenIssuer,
} from '../support/token-issuer.ts'

const RULES: TokenRules = { issuer: ISSUER, audience: AUDIENCE, ownerClaim: 'sub' }
const ALGORITHMS = ['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA']
const NOW = Math.floor(Date.now() / 1_000)
const LATER = { exp: NOW + 7_200 }

/** What is wrong with a token's claims, with the answer. */
const CLAIM_FAULTS: Record<string, [Claims, string]> = {
  'expired a minute ago': [{ exp: NOW - 60 }, 'The token has expired.'],
  'not valid for another minute': [{ nbf: NOW + 60 }, 'The token is not valid yet.'],
  'of another issuer': [{ iss: 'https://evil.example' }, 'The token is of another issuer.'],
  'of no issuer': [{ iss: null }, 'The token is of another issuer.'],
  'for another audience': [{ aud: 'other' }, 'The token is for another audience.'],
  'for other audiences': [{ aud: ['other', 'backscroll '] }, 'The token is for another audience.'],
  'for no audience': [{ aud: null }, 'The token is for another audience.'],
  'never expiring': [{ exp: null }, 'The token must say when it expires (exp).'],
  'expiring at a text': [{ exp: 'tomorrow' }, 'The token must say when it expires (exp).'],
  'without an owner': [{ sub: null }, 'The token must name its owner: the claim sub is no text.'],
  'with a number as its owner': [{ sub: 7 }, 'The token must name its owner: the claim sub is no text.'],
  'with an empty owner': [{ sub: '' }, 'The token must name its owner: the claim sub is no text.'],
  'of the reserved owner': [{ sub: 'local' }, 'The owner of the token must not be local, which is reserved.'],
  'of an owner with control characters': [
    { sub: 'a\u0000b' },
    'The owner of the token must be text without control characters.',
  ],
  'of half a character': [{ sub: '\ud800' }, 'The owner of the token must be text without control characters.'],
  'of an owner that is too long': [{ sub: 'x'.repeat(257) }, 'The owner of the token must have 1 to 256 characters.'],
}

describe.each(ALGORITHMS)('%s', (alg) => {
  test('a token proves its owner until it expires, with the skew of clocks', async () => {
    const issuer = await startTokenIssuer(alg)
    const { access } = open(issuer)
    const { exp } = LATER
    const admitted = await admit(access, await issuer.sign({ sub: 'jürgen@example.org', exp }))
    expect(admitted).toEqual({ ownerId: 'jürgen@example.org', proof: 'TOKEN', expiresAt: (exp + 30) * 1_000 })
    expect(await admit(access, await issuer.sign({ aud: ['other', AUDIENCE], exp: NOW - 20 }))).toMatchObject({
      ownerId: 'user-1',
    })
  })

  test.each(Object.entries(CLAIM_FAULTS))('a token %s is refused', async (_, [changes, message]) => {
    const issuer = await startTokenIssuer(alg)
    const { access } = open(issuer)
    expect(await admit(access, await issuer.sign(changes))).toEqual(refusal(message))
  })
})

test('what is signed by nobody, by others or in another way is refused', async () => {
  const issuer = await startTokenIssuer('RS256')
  const { access } = open(issuer)
  const good = await issuer.sign()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const { privateKey } = await generateKeyPair('RS256')
  const [jwk] = issuer.keys
  const publicKey = await importJWK({ ...jwk, ext: true }, 'RS256', { extractable: true })
  const pem = await exportSPKI(publicKey as CryptoKey)
  const kid = jwk?.kid ?? ''
  const byHmac = (key: string) => {
    const signed = `${encode({ alg: 'HS256', kid })}.${payload}`
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
  }
  const forged = [
    `${encode({ alg: 'none' })}.${payload}.`,
    `${encode({ alg: 'none', kid })}.${payload}.${signature}`,
    `${encode({ alg: 'NONE' })}.${payload}.`,
    `${encode({ alg: '' })}.${payload}.${signature}`,
    `${encode({ kid })}.${payload}.${signature}`,
    `${encode({ alg: 'RS256', kid: '../key' })}.${payload}.${signature}`,
    `${encode({ alg: 'RS256', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`,
    `${encode({ alg: 'ES256', kid })}.${payload}.${signature}`,
    `${encode({ alg: 'dir', enc: 'A128GCM', kid })}.${payload}.${signature}`,
    `${header}.${encode(claims({ sub: 'user-2' }))}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.x`,
    `${header}.bm90IGpzb24.${signature}`,
    'a.b.c',
    '..',
    byHmac(pem),
    byHmac(JSON.stringify(jwk)),
    byHmac(''),
    await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
    await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid, jwk: { ...jwk } }).sign(privateKey),
  ]
  for (const token of forged) {
    expect([token, await admit(access, token)]).toEqual([token, refusal('The token cannot be verified.')])
  }
  expect(await admit(access, good)).toMatchObject({ ownerId: 'user-1' })
})

test('a shared secret verifies what is signed with it, by HMAC only', async () => {
  const access = openWith({ secret: SECRET }, { ownerClaim: 'sub' })
  const sign = (alg: string, secret: string, changes = {}) =>
    new SignJWT(claims(changes)).setProtectedHeader({ alg }).sign(Buffer.from(secret))
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const padded = SECRET.padEnd(64, '.')
    const known = openWith({ secret: padded }, { ownerClaim: 'sub' })
    expect(await admit(known, await sign(alg, padded))).toMatchObject({ ownerId: 'user-1', proof: 'TOKEN' })
  }
  expect(await admit(access, await sign('HS256', `${SECRET}.`))).toEqual(refusal('The token cannot be verified.'))
  const { privateKey } = await generateKeyPair('ES256')
  const other = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  expect(await admit(access, other)).toEqual(refusal('The token cannot be verified.'))
  const strict = openWith({ secret: SECRET }, RULES)
  expect(await admit(strict, await sign('HS256', SECRET, { aud: 'other' }))).toEqual(
    refusal('The token is for another audience.'),
  )
})

test('a tenant is part of the owner, without doubt where one ends and the other begins', async () => {
  const issuer = await startTokenIssuer()
  const { access } = open(issuer, { ...RULES, ownerClaim: 'email', tenantClaim: 'org' })
  const ownerOf = async (org: unknown, email: string) => admit(access, await issuer.sign({ org, email }))
  expect(await ownerOf('acme', 'local')).toMatchObject({ ownerId: 'acme/local' })
  const ids = await Promise.all([ownerOf('a', 'b/c'), ownerOf('a/b', 'c'), ownerOf('a%2Fb', 'c')])
  expect(new Set(ids.map((caller) => 'ownerId' in caller && caller.ownerId)).size).toBe(3)
  for (const org of [null, '', 7, ['acme'], {}]) {
    expect(await ownerOf(org, 'x')).toEqual(refusal('The token must name its owner: the claim org is no text.'))
  }
})

test('a known token is not verified again, and not known any more when it has expired', async () => {
  const issuer = await startTokenIssuer()
  const { access, clock } = open(issuer)
  const token = await issuer.sign({ exp: NOW + 3_600 })
  expect(await admit(access, token)).toBe(await admit(access, token))
  clock.now += 3_629_000
  expect(await admit(access, token)).toMatchObject({ ownerId: 'user-1' })
  clock.now += 2_000
  expect(await admit(access, token)).toEqual(refusal('The token has expired.'))
})

test('keys that are exchanged are read when a token names a new one, and not for each that does', async () => {
  const issuer = await startTokenIssuer()
  const { access, clock } = open(issuer)
  const old = await issuer.sign()
  expect(await admit(access, old)).toMatchObject({ ownerId: 'user-1' })
  await issuer.rotate()
  const fresh = await issuer.sign({ sub: 'user-2' })
  expect(await admit(access, fresh)).toEqual(refusal('The token cannot be verified.'))
  clock.now += 31_000
  expect(await admit(access, fresh)).toMatchObject({ ownerId: 'user-2' })
  expect(await admit(access, await issuer.sign({ sub: 'user-3' }))).toMatchObject({ ownerId: 'user-3' })
  expect(issuer.reads).toBe(2)
  for (let index = 0; index < 50; index += 1) await admit(access, await issuer.sign({}, { kid: `junk-${index}` }))
  expect(issuer.reads).toBe(2)
})

test('a token that names no key is verified by any that is published', async () => {
  const issuer = await startTokenIssuer()
  const old = await issuer.sign({ sub: 'old' }, { kid: null })
  await issuer.rotate()
  const fresh = await issuer.sign({ sub: 'new' }, { kid: null })
  const { access } = open(issuer)
  expect(await admit(access, old)).toMatchObject({ ownerId: 'old' })
  expect(await admit(access, fresh)).toMatchObject({ ownerId: 'new' })
  const stranger = await (await startTokenIssuer()).sign({}, { kid: null })
  expect(await admit(access, stranger)).toEqual(refusal('The token cannot be verified.'))
})

test('a key that was withdrawn verifies nothing any more once the old ones are read anew, behind a request', async () => {
  const issuer = await startTokenIssuer()
  const { access, clock } = open(issuer)
  await admit(access, await issuer.sign())
  const old = await issuer.sign({ sub: 'late', ...LATER })
  await issuer.rotate(true)
  clock.now += 601_000
  await admit(access, await issuer.sign({ sub: 'user-2' }))
  await expect.poll(() => issuer.reads).toBe(2)
  await expect.poll(() => admit(access, old)).toEqual(refusal('The token cannot be verified.'))
})

/** How a server of keys fails. */
const FAULTS: Record<string, Parameters<TokenIssuer['answer']>[0]> = {
  'is down': (response) => response.destroy(),
  'is slow': () => {},
  'is slow to end': (response) => response.write('{"keys":['),
  'answers 500': (response) => response.writeHead(500).end('{}'),
  'answers 404': (response) => response.writeHead(404).end('{"keys":[]}'),
  'leads elsewhere': (response) => response.writeHead(302, { location: '/keys2' }).end(),
  'answers HTML': (response) => response.end('<html>'),
  'answers nothing': (response) => response.end(),
  'answers JSON that is no set': (response) => response.end('{"keys":{"a":1}}'),
  'answers null': (response) => response.end('null'),
  'answers a list': (response) => response.end('[1, null]'),
  'answers keys that are none': (response) => response.end('{"keys":[null, 7]}'),
  'never stops': (response) => {
    const more = () => {
      while (response.write(Buffer.alloc(65_536, ' ')));
    }
    response.on('drain', more)
    more()
  },
}

describe.each(Object.entries(FAULTS))('a server of keys that %s', (_, fault) => {
  test('leaves tokens unproven, and known tokens and keys going on', async () => {
    const issuer = await startTokenIssuer()
    const { access, clock, faults } = open(issuer)
    issuer.answer(fault)
    const token = await issuer.sign()
    expect(await admit(access, token)).toMatchObject(UNAVAILABLE)
    // Nobody else makes it ask again at once.
    const reads = issuer.reads
    expect(await admit(access, await issuer.sign({ sub: 'user-2' }))).toMatchObject(UNAVAILABLE)
    expect([issuer.reads, faults()]).toEqual([reads, 1])
    issuer.answer((response) => response.end(JSON.stringify({ keys: issuer.keys })))
    clock.now += 6_000
    expect(await admit(access, token)).toMatchObject({ ownerId: 'user-1' })
    issuer.answer(fault)
    clock.now += 601_000
    expect(await admit(access, token)).toMatchObject({ ownerId: 'user-1' })
    expect(await admit(access, await issuer.sign({ sub: 'user-3', ...LATER }))).toMatchObject({ ownerId: 'user-3' })
    expect(await admit(access, await issuer.sign({}, { kid: 'junk' }))).toMatchObject(UNAVAILABLE)
  })
})

const UNAVAILABLE = { status: 503, code: 'AUTHENTICATION_UNAVAILABLE', headers: { 'retry-after': '5' } }

function open({ url }: TokenIssuer, rules = RULES) {
  const clock = { now: NOW * 1_000 }
  let faults = 0
  const onFault = () => {
    faults += 1
  }
  const publicKeys = createKeySet({ url, now: () => clock.now, onFault, onSuccess() {} })
  return { access: openWith({ publicKeys }, rules, clock), clock, faults: () => faults }
}

function openWith(keys: TokenKeys, rules: TokenRules, clock = { now: NOW * 1_000 }): Access {
  const now = () => clock.now
  return createAccess({ tokens: createTokens(keys, rules, now), log: createKeptLog(), now })
}

function admit(access: Access, token: string) {
  return access.admit({ authorization: `Bearer ${token}` })
}

function refusal(message: string) {
  const challenge = `Bearer realm="backscroll", error="invalid_token", error_description="${message}"`
  return { status: 401, code: 'UNAUTHENTICATED', message, headers: { 'www-authenticate': challenge } }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
