import { type Chat, createChat } from './chat/chat.ts'
import type { ChatModel, ModelError } from './chat/model/chat-model.ts'
import { createReplies, type Replies } from './chat/replies.ts'
import type { Config } from './config.ts'
import { HistoryUnavailableError, StartError } from './errors.ts'
import { createFaultLog, logFault, reasonOf } from './fault-log.ts'
import type { Log } from './log.ts'
import { urlWithoutAccess, withoutAccess } from './log-error.ts'
import { logUnreadableOnce } from './log-unreadable-once.ts'
import { DEFAULT_ENCODING } from './memory/tokens/encoding.ts'
import { openAccess } from './open-access.ts'
import { type OpenMemory, openMemory } from './open-memory.ts'
import { type OpenModel, openModel } from './open-model.ts'
import { createServer, type Server } from './server.ts'
import { withTimeout } from './with-timeout.ts'

/** The whole program but its process. */
export interface App {
  /**
   * Opens everything; returns the address that it listens on. Rejects, with nothing left open, when the history is
   * away, when people have to put something right (StartError), or when it is stopped meanwhile.
   */
  start(): Promise<string>
  /** Stops everything in order, also while it starts; each step bounded, all within SHUTDOWN_DEADLINE_MS and a second. */
  stop(): Promise<void>
}

/** What is open, in the order of its opening. */
interface Opened {
  stores?: OpenMemory
  model?: OpenModel
  replies?: Replies
  server?: Server
  sweeps?: Sweeps
}

/** Work that comes again and again. */
interface Sweeps {
  /** Waits for the one under way, at most `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>
}

const SWEEP_EVERY_MS = 60_000
/** A start whose stores are closed under it ends so soon, unless a system call hangs. */
const START_ENDS_WITHIN_MS = 1_000
/** A message in JSON takes at most so many times its bytes, but for text that is nearly all escapes. */
const BODY_PER_MESSAGE = 4
/** Proxies close what is silent for a minute, and some sooner: for those it can be less. */
const MAX_PING_MS = 12_000
/** A page of messages takes at most half of it, where each is text that is selected twice. */
const ANSWER_PER_MESSAGE = 16

/** The program that a configuration describes. Nothing opens before `start`. */
export function createApp(config: Config, plainLog: Log): App {
  const log = logUnreadableOnce(plainLog, Date.now)
  const opened: Opened = {}
  const stopping = new AbortController()
  let starting: Promise<string> | undefined

  function start(): Promise<string> {
    starting = open(config, log, opened, stopping.signal).catch(async (error: unknown) => {
      await close(opened, 0)
      throw startErrorOf(error, config) ?? error
    })
    return starting
  }

  async function stop(): Promise<void> {
    stopping.abort(new Error('The start was interrupted.'))
    // A start under way fails by what is closed under it, and closes what it opens until it notices.
    await close(opened, config.shutdownDeadlineMs)
    if (starting !== undefined) await withTimeout(starting, START_ENDS_WITHIN_MS).catch(() => undefined)
  }

  return { start, stop }
}

/** Opens everything, each thing noted in `opened` at once; rejects between two steps when the signal aborts. */
async function open(config: Config, log: Log, opened: Opened, signal: AbortSignal): Promise<string> {
  opened.stores = await openMemory(config, log, 'SERVER')
  signal.throwIfAborted()
  const { stores } = opened
  opened.model = await openModel(config, log)
  signal.throwIfAborted()
  const { replies, chat } = openChat(config, stores, opened.model.model, log)
  opened.replies = replies
  const { memory } = stores
  const { host, port, corsOrigins, maxMessageBytes, maxQueryCost, introspection, getQueries } = config
  const pingMs = Math.min(config.replyHeartbeatMs, MAX_PING_MS)
  const maxBodyBytes = BODY_PER_MESSAGE * maxMessageBytes
  const maxAnswerBytes = ANSWER_PER_MESSAGE * maxMessageBytes
  const limits = {
    host,
    port,
    corsOrigins,
    maxBodyBytes,
    maxQueryCost,
    maxAnswerBytes,
    pingMs,
    introspection,
    getQueries,
  }
  const access = await openAccess(config.access, log)
  const server = createServer({ memory, chat, access, log }, limits)
  await stores.prepare()
  signal.throwIfAborted()
  opened.server = server
  const url = await server.listen()
  signal.throwIfAborted()
  opened.sweeps = startSweeping([() => memory.sweep(), () => replies.sweep()], log)
  // Loading the vocabulary holds the event loop for 150 ms, once: now, rather than under a later request.
  await stores.counter.warm(DEFAULT_ENCODING)
  signal.throwIfAborted()
  log.info(describeParts(config))
  return url
}

/** What people can mend by the setting of the history, with its reason; undefined for another fault. */
function startErrorOf(error: unknown, { mongodbUrl, dataDir }: Config): StartError | undefined {
  const isOfDriver = error instanceof Error && /^Mongo(Parse|API|InvalidArgument|MissingCredentials)/.test(error.name)
  if (!(error instanceof HistoryUnavailableError) && !isOfDriver) return undefined
  const setting = mongodbUrl === undefined ? `DATA_DIR ${dataDir}` : `MONGODB_URL ${urlWithoutAccess(mongodbUrl)}`
  const fault = isOfDriver ? 'It cannot be used.' : error.message
  return new StartError(`${setting}: ${fault} (${withoutAccess(reasonOf(error))})`, error)
}

/** Which history, cache and model serve, without access to them. */
function describeParts({ mongodbUrl, dataDir, redisUrls, openaiApiKey, openaiBaseUrl, openaiModel }: Config): string {
  const history = mongodbUrl === undefined ? `SQLite ${dataDir}` : `MongoDB ${urlWithoutAccess(mongodbUrl)}`
  const inProcess = mongodbUrl === undefined ? 'in process' : 'in process, so for one node only (REDIS_URL is not set)'
  const cache = redisUrls.length === 0 ? inProcess : `Redis ${redisUrls.map(urlWithoutAccess).join(', ')}`
  const isDemo = openaiApiKey === undefined && openaiBaseUrl === undefined
  const model = isDemo ? 'demo' : `${openaiModel} at ${urlWithoutAccess(openaiBaseUrl ?? 'https://api.openai.com/v1')}`
  return `history: ${history}; cache: ${cache}; model: ${model}`
}

function openChat(
  config: Config,
  { memory, records, counter, replyLog }: OpenMemory,
  model: ChatModel,
  log: Log,
): { replies: Replies; chat: Chat } {
  const deps = {
    records,
    memory,
    counter,
    log: replyLog,
    model: { ...model, ...modelObserver(config, log) },
    now: Date.now,
    onFault: (replyId: string, error: unknown) => logFault(log, { replyId, err: error }, 'a reply met a fault'),
    onRecovered: (replyId: string) => log.debug({ replyId }, 'a reply goes on after a fault'),
  }
  const replies = createReplies(deps, {
    firstTokenMs: config.modelFirstTokenTimeoutMs,
    idleMs: config.modelIdleTimeoutMs,
    replyTimeoutMs: config.replyTimeoutMs,
    leaseMs: config.replyLeaseMs,
    checkpointMs: config.replyCheckpointMs,
    heartbeatMs: config.replyHeartbeatMs,
    queueLimit: config.replyQueueLimit,
  })
  return { replies, chat: createChat({ replies, memory, now: Date.now }, config) }
}

/** A provider's answer may quote what it was asked: only the kind of fault and the provider's short codes are logged. */
function modelObserver({ openaiBaseUrl, openaiModel }: Config, log: Log): Pick<ChatModel, 'onOutcome'> {
  const host = URL.parse(openaiBaseUrl ?? 'https://api.openai.com')?.host
  const lines = { begins: 'the model fails', ends: 'the model answers again', fields: { host, model: openaiModel } }
  const faults = createFaultLog(log, lines)
  return {
    onOutcome: (error) => (error === undefined ? faults.onSuccess() : faults.onFault({ reason: modelReasonOf(error) })),
  }
}

/** The code, the provider's own short codes, what the network says, and a hint where a wrong address is likely. */
function modelReasonOf({ code, cause }: ModelError): string {
  const { status, code: providerCode } = (cause ?? {}) as Record<string, unknown>
  const codes = [code, status, providerCode, networkCodeOf(cause)].filter(isShort).join(' ')
  // One that knows its models says so by a code of its own.
  return status === 404 && !isShort(providerCode) ? `${codes}: is OPENAI_BASE_URL right? It usually ends in /v1` : codes
}

/** ECONNREFUSED, ENOTFOUND and their like stand innermost, and behind several addresses in a list. */
function networkCodeOf(error: unknown): unknown {
  const { cause, errors, code } = (error ?? {}) as Record<string, unknown>
  const inner = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  return inner === undefined ? code : networkCodeOf(inner)
}

function isShort(value: unknown): boolean {
  return /^[\w.-]{1,64}$/.test(String(value ?? ''))
}

/** One sweep after another; what one leaves undone the next one finds. */
function startSweeping(sweeps: readonly (() => Promise<void>)[], log: Log): Sweeps {
  let sweeping: Promise<void> | undefined
  let isStopped = false
  const timer = setInterval(sweep, SWEEP_EVERY_MS).unref()

  function sweep(): void {
    sweeping ??= sweepAll().finally(() => {
      sweeping = undefined
    })
  }

  async function sweepAll(): Promise<void> {
    for (const each of sweeps) {
      if (isStopped) return
      await each().catch((error: unknown) => {
        const faults: unknown[] = error instanceof AggregateError ? error.errors : [error]
        for (const err of faults) logFault(log, { err }, 'sweep failed')
      })
    }
  }

  async function stop(deadlineMs: number): Promise<void> {
    isStopped = true
    clearInterval(timer)
    if (sweeping !== undefined) await withTimeout(sweeping, deadlineMs).catch(() => undefined)
  }

  return { stop }
}

/**
 * Closes what is open, once. Replies first, while their streams can still carry the ending; the server before the
 * writer, to which it gives work.
 */
async function close(opened: Opened, deadlineMs: number): Promise<void> {
  const { stores, model, replies, server, sweeps } = opened
  for (const name of ['stores', 'model', 'replies', 'server', 'sweeps'] as const) delete opened[name]
  const end = performance.now() + deadlineMs
  const half = () => Math.max(0, (end - performance.now()) / 2)
  server?.refuse()
  await Promise.all([replies?.stop(half()), sweeps?.stop(half())])
  await Promise.all([server?.close(half()), model?.close(half())])
  await stores?.close(half())
}
