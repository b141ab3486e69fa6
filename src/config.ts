import { ACCESS_SETTINGS, type AccessSettings, isProven, loadAccessSettings } from './access/settings.ts'
import { LOG_LEVELS, type LogLevel } from './log.ts'
import { isLoopback } from './loopback.ts'
import { findUnknownSettings } from './unknown-settings.ts'

/** Every setting; names, defaults and units as in the README's table. */
export interface Config {
  host: string
  port: number
  access: AccessSettings
  /** Of pages that may call beside the server's own. */
  corsOrigins: string[]
  dataDir: string
  mongodbUrl?: string
  /** One URL, or several for a cluster. */
  redisUrls: string[]
  /** The model is the built-in demo where neither of the first two is set. */
  openaiApiKey?: string
  openaiBaseUrl?: string
  openaiModel: string
  /** Where calls of the model are recorded; nowhere when absent. */
  modelRecordDir?: string
  modelRecordContent: RecordContent
  maxContextTokens: number
  maxMessageBytes: number
  maxQueryCost: number
  introspection: boolean
  getQueries: boolean
  cacheTailTokens: number
  cacheTtlSeconds: number
  redisCommandTimeoutMs: number
  modelFirstTokenTimeoutMs: number
  modelIdleTimeoutMs: number
  replyTimeoutMs: number
  replyLeaseMs: number
  replyCheckpointMs: number
  replyHeartbeatMs: number
  replyQueueLimit: number
  shutdownDeadlineMs: number
  logLevel: LogLevel
}

/** Whether what is said is recorded as it is. */
export type RecordContent = (typeof RECORD_CONTENT)[number]

const RECORD_CONTENT = ['keep', 'mask'] as const

/** All that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`The configuration is wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Every variable that is read. */
export const SETTINGS: readonly string[] = [
  'HOST',
  'PORT',
  ...ACCESS_SETTINGS,
  'CORS_ORIGINS',
  'DATA_DIR',
  'MONGODB_URL',
  'REDIS_URL',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'OPENAI_MODEL',
  'MODEL_RECORD_DIR',
  'MODEL_RECORD_CONTENT',
  'MAX_CONTEXT_TOKENS',
  'MAX_MESSAGE_BYTES',
  'MAX_QUERY_COST',
  'INTROSPECTION',
  'GET_QUERIES',
  'CACHE_TAIL_TOKENS',
  'CACHE_TTL_SECONDS',
  'REDIS_COMMAND_TIMEOUT_MS',
  'MODEL_FIRST_TOKEN_TIMEOUT_MS',
  'MODEL_IDLE_TIMEOUT_MS',
  'REPLY_TIMEOUT_MS',
  'REPLY_LEASE_MS',
  'REPLY_CHECKPOINT_MS',
  'REPLY_HEARTBEAT_MS',
  'REPLY_QUEUE_LIMIT',
  'SHUTDOWN_DEADLINE_MS',
  'LOG_LEVEL',
]

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The configuration that the environment holds; throws one ConfigError with all mistakes, wrong names too. An empty
 * variable counts as absent. By hand, since importing a schema library takes 70 to 90 ms of the start.
 */
export function loadConfig(environment: Environment): Config {
  const faults: string[] = []
  const text = (name: string) => environment[name]?.trim() || undefined
  const list = (name: string) =>
    (text(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  const integer = (name: string, fallback: number, min: number, max: number) => {
    const given = text(name)
    const value = given === undefined ? fallback : /^\d+$/.test(given) ? Number(given) : Number.NaN
    if (value >= min && value <= max) return value
    faults.push(`${name} must be a whole number from ${min} to ${max}; got ${JSON.stringify(given)}.`)
    return fallback
  }
  const flag = (name: string, fallback: boolean) => {
    const given = text(name)
    if (given === undefined) return fallback
    if (given !== 'true' && given !== 'false')
      faults.push(`${name} must be true or false; got ${JSON.stringify(given)}.`)
    return given === 'true'
  }
  const mongodbUrl = text('MONGODB_URL')
  const openaiApiKey = text('OPENAI_API_KEY')
  const openaiBaseUrl = text('OPENAI_BASE_URL')
  const modelRecordDir = text('MODEL_RECORD_DIR')
  const config: Config = {
    host: text('HOST') ?? '127.0.0.1',
    port: integer('PORT', 4000, 0, 65_535),
    access: loadAccessSettings(text, faults),
    corsOrigins: list('CORS_ORIGINS'),
    dataDir: text('DATA_DIR') ?? './data',
    ...(mongodbUrl !== undefined && { mongodbUrl }),
    redisUrls: list('REDIS_URL'),
    ...(openaiApiKey !== undefined && { openaiApiKey }),
    ...(openaiBaseUrl !== undefined && { openaiBaseUrl }),
    openaiModel: text('OPENAI_MODEL') ?? 'gpt-4o-mini',
    ...(modelRecordDir !== undefined && { modelRecordDir }),
    modelRecordContent: RECORD_CONTENT.find((word) => word === text('MODEL_RECORD_CONTENT')) ?? 'keep',
    maxContextTokens: integer('MAX_CONTEXT_TOKENS', 200_000, 1, 10_000_000),
    // MongoDB holds documents of 16 MB at most.
    maxMessageBytes: integer('MAX_MESSAGE_BYTES', 1_048_576, 1, 8_388_608),
    maxQueryCost: integer('MAX_QUERY_COST', 100_000, 1, 100_000_000),
    introspection: flag('INTROSPECTION', true),
    getQueries: flag('GET_QUERIES', true),
    cacheTailTokens: integer('CACHE_TAIL_TOKENS', 8_000, 0, 1_000_000),
    cacheTtlSeconds: integer('CACHE_TTL_SECONDS', 86_400, 1, 31_536_000),
    redisCommandTimeoutMs: integer('REDIS_COMMAND_TIMEOUT_MS', 50, 1, 60_000),
    modelFirstTokenTimeoutMs: integer('MODEL_FIRST_TOKEN_TIMEOUT_MS', 60_000, 1, 3_600_000),
    modelIdleTimeoutMs: integer('MODEL_IDLE_TIMEOUT_MS', 30_000, 1, 3_600_000),
    replyTimeoutMs: integer('REPLY_TIMEOUT_MS', 600_000, 1, 86_400_000),
    replyLeaseMs: integer('REPLY_LEASE_MS', 10_000, 100, 3_600_000),
    replyCheckpointMs: integer('REPLY_CHECKPOINT_MS', 1_000, 10, 3_600_000),
    replyHeartbeatMs: integer('REPLY_HEARTBEAT_MS', 15_000, 10, 3_600_000),
    replyQueueLimit: integer('REPLY_QUEUE_LIMIT', 16, 1, 1_000),
    shutdownDeadlineMs: integer('SHUTDOWN_DEADLINE_MS', 10_000, 0, 600_000),
    logLevel: LOG_LEVELS.find((level) => level === text('LOG_LEVEL')) ?? 'info',
  }
  faults.push(
    ...hostFaults(config),
    ...originFaults(config.corsOrigins),
    ...urlFaults('MONGODB_URL', ['mongodb:', 'mongodb+srv:'], [config.mongodbUrl]),
  )
  faults.push(...urlFaults('REDIS_URL', ['redis:', 'rediss:'], config.redisUrls), ...databaseFaults(config.redisUrls))
  faults.push(...urlFaults('OPENAI_BASE_URL', ['http:', 'https:'], [config.openaiBaseUrl]), ...modelFaults(config))
  faults.push(
    ...leaseFaults(config),
    ...wordFaults('LOG_LEVEL', LOG_LEVELS, text('LOG_LEVEL')),
    ...wordFaults('MODEL_RECORD_CONTENT', RECORD_CONTENT, text('MODEL_RECORD_CONTENT')),
  )
  if (faults.length > 0) throw new ConfigError([...faults, ...nameFaults(environment)])
  return config
}

/** Without authentication everybody who reaches the address reads everything. */
function hostFaults({ host, access }: Config): string[] {
  if (isLoopback(host) || isProven(access)) return []
  const wanted = 'a loopback address (127.0.0.1, ::1, localhost) without authentication'
  return [`HOST must be ${wanted} (AUTH_JWKS_URL, AUTH_JWT_SECRET, SERVICE_KEYS); got ${JSON.stringify(host)}.`]
}

/** As browsers write them: what differs would match no page. */
function originFaults(origins: readonly string[]): string[] {
  return origins
    .filter((origin) => !isOrigin(origin))
    .map((origin) => {
      const hint = origin === '*' ? ' (every page that may call has to be named)' : ''
      return `CORS_ORIGINS must list origins such as https://chat.example.org; got ${JSON.stringify(origin)}${hint}.`
    })
}

/** Apps have schemes of their own, of which URL parsers make no origin. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || !/^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/.test(text)) return false
  return /^https?:$/.test(url.protocol) ? url.origin === text : true
}

/** A checkpoint renews the lease: one that is lost must not end the reply. */
function leaseFaults({ replyCheckpointMs, replyLeaseMs }: Config): string[] {
  if (replyCheckpointMs * 2 <= replyLeaseMs) return []
  return [`REPLY_CHECKPOINT_MS must be at most half of REPLY_LEASE_MS, ${replyLeaseMs}; got ${replyCheckpointMs}.`]
}

/** What no request could be made with. */
function modelFaults({ openaiApiKey, openaiBaseUrl }: Config): string[] {
  const url = URL.parse(openaiBaseUrl ?? '')
  const hasMore = url !== null && [url.username, url.password, url.search, url.hash].some((part) => part !== '')
  return [
    ...(hasMore
      ? [
          `OPENAI_BASE_URL must be an address and a path only: a user, a password and a query have no place in it; got ` +
            `${shownUrl(openaiBaseUrl ?? '')}.`,
        ]
      : []),
    ...(/^[ -~]*$/.test(openaiApiKey ?? '') ? [] : ['OPENAI_API_KEY must be one line of ASCII characters.']),
  ]
}

/** A name that is written wrong is often why a value is missing. */
function nameFaults(environment: Environment): string[] {
  return findUnknownSettings(environment, SETTINGS).map(({ message }) => `${message}.`)
}

/** A client takes a path that is no number for the database 0, and a cluster has no other. */
function databaseFaults(urls: readonly string[]): string[] {
  const paths = urls.map((url) => URL.parse(url)?.pathname ?? '')
  const given = urls.map(shownUrl).join(', ')
  if (urls.length > 1) {
    return paths.every((path) => /^\/?0?$/.test(path))
      ? []
      : [`REDIS_URL must name no database where it lists a cluster; got ${given}.`]
  }
  return paths.every((path) => /^\/?\d*$/.test(path))
    ? []
    : [`REDIS_URL must end with the number of its database, or without one; got ${given}.`]
}

function wordFaults(name: string, words: readonly string[], given: string | undefined): string[] {
  if (given === undefined || words.includes(given)) return []
  return [`${name} must be one of ${words.join(', ')}; got ${JSON.stringify(given)}.`]
}

/** A MongoDB URL may list hosts, which URL parsers refuse: its driver checks it. */
function urlFaults(name: string, protocols: readonly string[], urls: readonly (string | undefined)[]): string[] {
  const given = urls.filter((url) => url !== undefined)
  const begins = (url: string) =>
    protocols.some((protocol) => url.startsWith(`${protocol}//`) && url.length > protocol.length + 2)
  const other = given.find((url) => !begins(url))
  if (other !== undefined) return [`${name} must begin with ${protocols.join('// or ')}//; got ${shownUrl(other)}.`]
  const broken = name === 'MONGODB_URL' ? undefined : given.find((url) => !URL.canParse(url))
  if (broken === undefined) return []
  const rule = 'a URL with a host and a port up to 65535, whose user and password have / ? # @ : as %2F %3F %23 %40 %3A'
  return [`${name} must be ${rule}; got ${shownUrl(broken)}.`]
}

/** A URL as it may be shown: what may be a user, a password or a key is not in it. */
function shownUrl(given: string): string {
  const url = URL.parse(given)
  if (url !== null && url.host !== '') {
    const [user, query, hash] = [url.username + url.password, url.search, url.hash].map((part) => part !== '')
    return `${url.protocol}//${user ? '…@' : ''}${url.host}${url.pathname}${query ? '?…' : ''}${hash ? '#…' : ''}`
  }
  const [begin] = /^\w[\w+.-]{0,20}:\/\//.exec(given) ?? []
  if (begin !== undefined) return `${begin}…`
  // As people write it who leave the protocol out.
  const isAddress = /^(?:localhost|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/.test(given)
  return isAddress ? given : `a text of ${given.length} characters`
}
