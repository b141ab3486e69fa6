import { HistoryUnavailableError } from './errors.ts'
import type { Log } from './log.ts'
import { withoutAccess } from './log-error.ts'

/** Trouble of one kind in the log: one line when it begins and one when it ends, whatever happens between. */
export interface FaultLog {
  /** `source` names what fails, where several things may; it has recovered when `onSuccess` names it. */
  onFault(error: unknown, source?: string): void
  onSuccess(source?: string): void
}

/** The two lines, and what stands in both: hosts and paths, no secrets and no content. */
export interface FaultLines {
  begins: string
  ends: string
  fields?: object
  /** It ends by a success so long after the last fault: a full disk still takes a small write now and then. */
  quietMs?: number
}

/** What is between the first fault and the last recovery is counted, and logged at debug. */
export function createFaultLog(log: Log, lines: FaultLines): FaultLog {
  const { begins, ends, fields = {}, quietMs = 0 } = lines
  const failing = new Set<string>()
  /** What has succeeded since it failed last, and is not quiet for long enough. */
  const recovering = new Set<string>()
  let faults = 0
  let failedAt = 0
  let timer: NodeJS.Timeout | undefined

  function onFault(error: unknown, source = ''): void {
    const isFirst = failing.size === 0
    failing.add(source)
    recovering.delete(source)
    faults += 1
    failedAt = Date.now()
    const entry = { ...fields, reason: reasonOf(error) }
    if (isFirst) log.warn(entry, begins)
    else log.debug({ ...entry, source }, begins)
  }

  function onSuccess(source = ''): void {
    if (!failing.has(source)) return
    recovering.add(source)
    endIfQuiet()
  }

  /** By a timer too: there may be no further success for a long time. */
  function endIfQuiet(): void {
    clearTimeout(timer)
    if (recovering.size === 0) return
    const waitMs = failedAt + quietMs - Date.now()
    if (waitMs > 0) {
      timer = setTimeout(endIfQuiet, waitMs).unref()
      return
    }
    for (const source of recovering) failing.delete(source)
    recovering.clear()
    if (failing.size > 0) return
    log.info({ ...fields, faults }, ends)
    faults = 0
  }

  return { onFault, onSuccess }
}

/** The same store, whose refusals and returns are logged: for reads and for writes, as either may fail alone. */
export function reportFaults<Store extends object>(store: Store, { onFault, onSuccess }: FaultLog): Store {
  const reported = Object.entries(store).map(([name, member]) => {
    if (typeof member !== 'function' || name === 'close' || name === 'prepare') return [name, member] as const
    const source = /^(find|list|read)/.test(name) ? 'reads' : 'writes'
    const onRejected = (error: unknown) => error instanceof HistoryUnavailableError && onFault(error, source)
    const call = (...values: unknown[]) => {
      const result: unknown = member(...values)
      if (result instanceof Promise) result.then(() => onSuccess(source), onRejected)
      return result
    }
    return [name, call] as const
  })
  return { ...store, ...Object.fromEntries(reported) }
}

/** A fault of one thing among many. That the history is away has a line of its own, for all of them. */
export function logFault(
  log: Log,
  fields: { err: unknown; replyId?: string; conversationId?: string },
  message: string,
): void {
  log[fields.err instanceof HistoryUnavailableError ? 'debug' : 'warn'](fields, message)
}

/** What went wrong in one line: the reason that an error carries, else the innermost cause's message. */
export function reasonOf(error: unknown): string {
  if (!isObject(error)) return 'unknown'
  if ('reason' in error && typeof error.reason === 'string' && error.reason !== '') return error.reason
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  if (!(error instanceof Error)) return 'unknown'
  return error.cause instanceof Error ? reasonOf(error.cause) : withoutAccess(describe(error))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code === '' || error.message.includes(code) ? error.message : `${code}: ${error.message}`
}
