import { createFaultLog, type FaultLog, reasonOf } from './fault-log.ts'
import type { Log } from './log.ts'
import { urlWithoutAccess } from './log-error.ts'

/** The source of the faults of commands; every other source is the name of a connection. */
export const COMMANDS = 'commands'

/** So many attempts of one connection fail in a row before a reason that a busy machine gives too is believed. */
const ATTEMPTS_TO_BELIEVE = 3

/** What a Redis that is well may cause, while this process or its machine is busy. */
const DOUBTFUL =
  /^(Ready check failed: )?(Command timed out|Socket timeout|The connection was closed|Stream isn't writeable)/

/** What people can mend, or what the client's words do not say; the first pattern that is found decides. */
const PLAIN_REASONS: readonly (readonly [RegExp, string])[] = [
  [/\bNOAUTH\b/, 'the password of REDIS_URL is refused: it has none, and this Redis wants one (NOAUTH)'],
  [/\bWRONGPASS\b|invalid password/, 'the password of REDIS_URL is refused (WRONGPASS)'],
  [/\bNOPERM\b/, 'the user of REDIS_URL may not do what the cache needs (NOPERM)'],
  [/wrong version number|packet length too long/, 'TLS: this Redis does not answer in TLS, which rediss:// asks for'],
  [/Stream isn't writeable|Connection is closed|The connection was closed/, 'there is no connection'],
  [/Command timed out|Socket timeout/, 'no answer in time'],
]

/**
 * The log of a Redis: one line when it cannot be used and one when it can, in other words for one that was never there
 * since the start, which is a wrong setting more often than an outage. Then only connections have the word: that
 * commands fail before the first one is up says nothing.
 */
export function createRedisFaultLog(log: Log, urls: readonly string[]): FaultLog {
  const fields = { redis: urls.map(urlWithoutAccess) }
  const isSecure = urls.some((url) => url.startsWith('rediss:'))
  const missing = createFaultLog(log, {
    begins: 'the cache cannot be used: reads go to the history',
    ends: 'the cache can be used now',
    fields: { setting: 'REDIS_URL', ...fields },
  })
  const outages = createFaultLog(log, {
    begins: 'the cache is gone: reads go to the history',
    ends: 'the cache is back',
    fields,
  })
  /** Failed attempts in a row, by connection. */
  const attempts = new Map<string, number>()
  /** Connections that failed before the first one was up. */
  const missed = new Set<string>()
  let wasThere = false

  function onFault(error: unknown, source = ''): void {
    const fault = { reason: redisReasonOf(error, isSecure) }
    const isUntold = source === COMMANDS ? !wasThere : isDoubted(error, source)
    if (isUntold) log.debug({ ...fields, ...fault, source }, 'a fault of the cache')
    else if (wasThere) outages.onFault(fault, source)
    else {
      missed.add(source)
      missing.onFault(fault, source)
    }
  }

  /** Counts the attempt too. */
  function isDoubted(error: unknown, source: string): boolean {
    const failed = (attempts.get(source) ?? 0) + 1
    attempts.set(source, failed)
    return failed < ATTEMPTS_TO_BELIEVE && error instanceof Error && DOUBTFUL.test(error.message)
  }

  function onSuccess(source = ''): void {
    attempts.delete(source)
    missed.delete(source)
    if (source !== COMMANDS && missed.size === 0) wasThere = true
    missing.onSuccess(source)
    outages.onSuccess(source)
  }

  return { onFault, onSuccess }
}

/** Why a Redis cannot be used, in one line for people, without access. A Redis without TLS never answers a greeting in it. */
export function redisReasonOf(error: unknown, isSecure = false): string {
  const isOfCluster = error instanceof Error && 'lastNodeError' in error && error.lastNodeError instanceof Error
  const reason = reasonOf(isOfCluster ? error.lastNodeError : error)
  if (isSecure && reason.includes('ETIMEDOUT')) return `${reason}: is there TLS, which rediss:// asks for?`
  return PLAIN_REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? reason
}
