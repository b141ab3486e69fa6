import { expect, test } from 'vitest'
import { type ConfigError, loadConfig, SETTINGS } from '../src/config.ts'
import { findUnknownSettings } from '../src/unknown-settings.ts'

test('with nothing set every setting has its documented default', () => {
  expect(loadConfig({})).toEqual({
    host: '127.0.0.1',
    port: 4000,
    access: { serviceKeys: [], ownerClaim: 'sub' },
    corsOrigins: [],
    dataDir: './data',
    redisUrls: [],
    openaiModel: 'gpt-4o-mini',
    modelRecordContent: 'keep',
    maxContextTokens: 200_000,
    maxMessageBytes: 1_048_576,
    maxQueryCost: 100_000,
    introspection: true,
    getQueries: true,
    cacheTailTokens: 8_000,
    cacheTtlSeconds: 86_400,
    redisCommandTimeoutMs: 50,
    modelFirstTokenTimeoutMs: 60_000,
    modelIdleTimeoutMs: 30_000,
    replyTimeoutMs: 600_000,
    replyLeaseMs: 10_000,
    replyCheckpointMs: 1_000,
    replyHeartbeatMs: 15_000,
    replyQueueLimit: 16,
    shutdownDeadlineMs: 10_000,
    logLevel: 'info',
  })
})

test('what is set is read, several Redis nodes by commas', () => {
  const config = loadConfig({
    PORT: '0',
    MONGODB_URL: 'mongodb://a:1,b:2/db',
    REDIS_URL: 'redis://a:1, rediss://b:2',
    CACHE_TAIL_TOKENS: '500',
    DATA_DIR: '',
  })
  expect(config).toMatchObject({ port: 0, mongodbUrl: 'mongodb://a:1,b:2/db', cacheTailTokens: 500, dataDir: './data' })
  expect(config.redisUrls).toEqual(['redis://a:1', 'rediss://b:2'])
})

test('a model is what its key, its URL and its name say', () => {
  const environment = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', OPENAI_MODEL: 'small' }
  expect(loadConfig(environment)).toMatchObject({
    openaiApiKey: 'k',
    openaiBaseUrl: 'http://127.0.0.1:11434/v1',
    openaiModel: 'small',
  })
})

const KEYS = `a:${'0'.repeat(64)}, b-2:${'F'.repeat(64)}`
const SECRET = 'x'.repeat(32)
const BY_URL = { AUTH_JWKS_URL: 'https://a/keys', AUTH_ISSUER: 'https://a', AUTH_AUDIENCE: 'backscroll' }

test.each([{ SERVICE_KEYS: KEYS }, { AUTH_JWT_SECRET: SECRET }, BY_URL])(
  'with %j any address is listened on',
  (set) => {
    expect(loadConfig({ ...set, HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
  },
)

test('who may ask is read', () => {
  const { access, corsOrigins } = loadConfig({
    ...BY_URL,
    AUTH_OWNER_CLAIM: 'email',
    AUTH_TENANT_CLAIM: 'org',
    SERVICE_KEYS: KEYS,
    CORS_ORIGINS: 'https://a.example, http://localhost:5173,capacitor://localhost',
  })
  expect(access).toEqual({
    jwksUrl: 'https://a/keys',
    issuer: 'https://a',
    audience: 'backscroll',
    ownerClaim: 'email',
    tenantClaim: 'org',
    serviceKeys: [
      { name: 'a', sha256: '0'.repeat(64) },
      { name: 'b-2', sha256: 'F'.repeat(64) },
    ],
  })
  expect(corsOrigins).toEqual(['https://a.example', 'http://localhost:5173', 'capacitor://localhost'])
})

const MISTAKES: [Record<string, string>, string][] = [
  [{ AUTH_JWT_SECRET: 'x'.repeat(31) }, 'AUTH_JWT_SECRET must have at least 32 bytes; got 31.'],
  [
    { ...BY_URL, AUTH_JWT_SECRET: SECRET },
    'AUTH_JWKS_URL and AUTH_JWT_SECRET must not both be set: tokens have one issuer.',
  ],
  [{ ...BY_URL, AUTH_ISSUER: '' }, 'AUTH_ISSUER must be set with AUTH_JWKS_URL.'],
  [{ ...BY_URL, AUTH_AUDIENCE: ' ' }, 'AUTH_AUDIENCE must be set with AUTH_JWKS_URL.'],
  [{ ...BY_URL, AUTH_JWKS_URL: 'file:///etc/keys' }, 'AUTH_JWKS_URL must be a URL of https or http.'],
  [{ ...BY_URL, AUTH_JWKS_URL: 'a.example/keys' }, 'AUTH_JWKS_URL must be a URL of https or http.'],
  [{ AUTH_ISSUER: 'x' }, 'AUTH_ISSUER has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET.'],
  [
    { SERVICE_KEYS: KEYS, AUTH_TENANT_CLAIM: 'org' },
    'AUTH_TENANT_CLAIM has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET.',
  ],
  [
    { SERVICE_KEYS: `${KEYS},bsk_secret` },
    'SERVICE_KEYS must be name:sha256 with commas, as npm run service-key prints it; entry 3 is not.',
  ],
  [
    { SERVICE_KEYS: `${KEYS},a:${'1'.repeat(64)}` },
    'SERVICE_KEYS must have a name once only: remove the old key when the new one is in use.',
  ],
  [
    { CORS_ORIGINS: '*' },
    'CORS_ORIGINS must list origins such as https://chat.example.org; got "*" (every page that may call has to be named).',
  ],
  ...[
    'https://a.example/',
    'https://A.example',
    'https://a.example:443',
    'a.example',
    'https://u@a.example',
    'null',
  ].map(
    (origin) =>
      [
        { CORS_ORIGINS: origin },
        `CORS_ORIGINS must list origins such as https://chat.example.org; got "${origin}".`,
      ] satisfies [object, string],
  ),
]

test.each(MISTAKES)('%j is refused', (set, fault) => {
  expect(faultsOf(set)).toEqual([fault])
})

test('a lease must outlive a checkpoint that is lost', () => {
  expect(loadConfig({ REPLY_LEASE_MS: '2000' }).replyLeaseMs).toBe(2_000)
  expect(faultsOf({ REPLY_LEASE_MS: '1999' })).toEqual([
    'REPLY_CHECKPOINT_MS must be at most half of REPLY_LEASE_MS, 1999; got 1000.',
  ])
})

test('all mistakes are told at once, and never a password', () => {
  const wrong = {
    PORT: '70000',
    CACHE_TTL_SECONDS: '1.5',
    REDIS_URL: 'http://user:secret@host',
    HOST: '0.0.0.0',
    OPENAI_BASE_URL: 'secret',
    INTROSPECTION: 'no',
  }
  const faults = faultsOf(wrong)
  expect(faults).toEqual([
    'PORT must be a whole number from 0 to 65535; got "70000".',
    'INTROSPECTION must be true or false; got "no".',
    'CACHE_TTL_SECONDS must be a whole number from 1 to 31536000; got "1.5".',
    'HOST must be a loopback address (127.0.0.1, ::1, localhost) without authentication (AUTH_JWKS_URL, AUTH_JWT_SECRET, SERVICE_KEYS); got "0.0.0.0".',
    'REDIS_URL must begin with redis:// or rediss://; got http://…@host/.',
    'OPENAI_BASE_URL must begin with http:// or https://; got a text of 6 characters.',
  ])
})

test.each([
  ['REDIS_URL', 'redis://u:secret@'],
  ['REDIS_URL', 'redis://:sec/ret@host'],
  ['REDIS_URL', 'redis://a:1,redis://host:99999'],
  ['OPENAI_BASE_URL', 'http://'],
  ['OPENAI_BASE_URL', 'http://host:secret/v1'],
  ['OPENAI_BASE_URL', 'http://u:secret@host/v1'],
  ['OPENAI_BASE_URL', 'http://secret@host/v1'],
  ['OPENAI_BASE_URL', 'https://host/v1?key=secret'],
  ['OPENAI_BASE_URL', 'https://host/v1#secret'],
  ['OPENAI_API_KEY', 'sk-\nsecret'],
  ['OPENAI_API_KEY', 'sk–secret'],
])('%s that no connection can be made with, %j, is refused and not shown', (name, value) => {
  const faults = faultsOf({ [name]: value })
  expect(faults).toEqual([expect.stringContaining(name)])
  expect(faults[0]).not.toMatch(/sec/)
})

test.each([
  ['REDIS_URL', 'localhost:6379', 'localhost:6379'],
  ['REDIS_URL', 'redis://a:1,http://u:secret@b', 'http://…@b/'],
  ['REDIS_URL', 'redis://u:secret@host/x', 'redis://…@host/x'],
  ['REDIS_URL', 'redis://host:99999', 'redis://…'],
  ['OPENAI_BASE_URL', '127.0.0.1:11434', '127.0.0.1:11434'],
  ['OPENAI_BASE_URL', 'ftp://host/v1', 'ftp://host/v1'],
  ['OPENAI_BASE_URL', 'https://u:secret@host/v1?key=secret#secret', 'https://…@host/v1?…#…'],
  ['MONGODB_URL', 'http://u:secret@host/db', 'http://…@host/db'],
])('%s of %s is told with what may be shown of it', (name, value, shown) => {
  const faults = faultsOf({ [name]: value })
  expect(faults.map((fault) => fault.slice(fault.indexOf('; got ')))).toEqual([`; got ${shown}.`])
})

test('URLs that drivers take are taken', () => {
  const environment = {
    MONGODB_URL: 'mongodb://u:p@a:1,b:2/db?replicaSet=r',
    REDIS_URL: 'rediss://user:p%40ss@[::1]:6380/2',
    OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1/',
    OPENAI_API_KEY: 'sk-proj_A.b+c/d=',
  }
  expect(faultsOf(environment)).toEqual([])
})

test('a name that is written wrong is told beside a value that is wrong', () => {
  expect(faultsOf({ PORT: 'x', MONGO_URL: 'mongodb://u:secret@h' })).toEqual([
    'PORT must be a whole number from 0 to 65535; got "x".',
    'MONGO_URL is no setting: MONGODB_URL may be meant.',
  ])
})

test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('%s is a loopback address', (host) => {
  expect(loadConfig({ HOST: host }).host).toBe(host)
})

test.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com'])('%s is refused as a host', (host) => {
  expect(faultsOf({ HOST: host })).toHaveLength(1)
})

test('a level of the log and a database of Redis are what they can be', () => {
  expect(loadConfig({ LOG_LEVEL: 'debug', REDIS_URL: 'redis://host/3' })).toMatchObject({ logLevel: 'debug' })
  expect(faultsOf({ LOG_LEVEL: 'loud' })).toEqual(['LOG_LEVEL must be one of debug, info, warn, error; got "loud".'])
  const wrong = { MODEL_RECORD_CONTENT: 'hide' }
  expect(faultsOf(wrong)).toEqual(['MODEL_RECORD_CONTENT must be one of keep, mask; got "hide".'])
  expect(faultsOf({ REDIS_URL: 'redis://host/cache' })).toEqual([
    'REDIS_URL must end with the number of its database, or without one; got redis://host/cache.',
  ])
  expect(faultsOf({ REDIS_URL: 'redis://a,redis://b/1' })).toEqual([
    'REDIS_URL must name no database where it lists a cluster; got redis://a, redis://b/1.',
  ])
})

test('every setting that is read is listed', () => {
  const read = new Set<string>()
  loadConfig(new Proxy({}, { get: (_, name) => void read.add(String(name)) }))
  expect([...read].toSorted()).toEqual(SETTINGS.toSorted())
})

test.each([
  ['MONGO_URL', 'MONGODB_URL'],
  ['MONGODB_URI', 'MONGODB_URL'],
  ['REDIS_URI', 'REDIS_URL'],
  ['CACHE_TTL_SECOND', 'CACHE_TTL_SECONDS'],
  ['OPENAI_APIKEY', 'OPENAI_API_KEY'],
  ['cache_tail_tokens', 'CACHE_TAIL_TOKENS'],
  ['REPLY_LEASE', 'REPLY_LEASE_MS'],
  ['CACHE_TTL', 'CACHE_TTL_SECONDS'],
  ['BACKSCROLL_PORT', 'PORT'],
  ['BACKSCROLL_REPLY_LEASE', 'REPLY_LEASE_MS'],
  ['OPENAI_KEY', 'OPENAI_API_KEY'],
  ['OPENAI_API_BASE', 'OPENAI_BASE_URL'],
])('%s is told to be %s, and that this one counts where both are given', (name, nearest) => {
  const meant = { name, nearest, message: `${name} is no setting: ${nearest} may be meant` }
  expect(findUnknownSettings({ [name]: 'x' }, SETTINGS)).toEqual([meant])
  const ignored = { name, nearest, message: `${name} is no setting and is ignored: ${nearest} counts` }
  expect(findUnknownSettings({ [name]: 'x', [nearest]: 'y' }, SETTINGS)).toEqual([ignored])
})

test.each([
  ['DATABASE_URL', 'MONGODB_URL'],
  ['REDIS_HOST', 'REDIS_URL'],
  ['MODEL', 'OPENAI_MODEL'],
  ['LOGLEVEL', 'LOG_LEVEL'],
])('%s may be meant for %s, and is for another program where both are given', (name, nearest) => {
  expect(findUnknownSettings({ [name]: 'x' }, SETTINGS)).toMatchObject([{ name, nearest }])
  expect(findUnknownSettings({ [name]: 'x', [nearest]: 'y' }, SETTINGS)).toEqual([])
})

test.each([
  'PATH',
  'HOME',
  'HOSTNAME',
  'PORTS',
  'LANG',
  'REDIS',
  'OPENAI',
  'BACKSCROLL_HOME',
  'DATA',
  'NODE_ENV',
  'constructor',
])('%s is nothing like ours', (name) => {
  expect(findUnknownSettings({ [name]: 'x' }, SETTINGS)).toEqual([])
})

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    return (error as ConfigError).faults
  }
}
