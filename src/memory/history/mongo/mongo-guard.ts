import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb'
import { type HistoryFault, HistoryUnavailableError } from '../../../errors.ts'
import { withoutAccess } from '../../../log-error.ts'
import { TimedOutError, withTimeout } from '../../../with-timeout.ts'

/** What every read is sent with. */
export interface MongoReadOptions {
  /** Aborted at the deadline: a read that nobody waits for any more ends. */
  signal: AbortSignal
  readConcern: { level: 'local' | 'majority' | 'linearizable' }
  maxTimeMS?: number
}

/** Runs steps on the store, each in bounded time; a fault of the store rejects with HistoryUnavailableError. */
export interface MongoGuard {
  /** STRONG: nothing that was acknowledged is overlooked, even by a server that is primary no more. One document by its `_id` only. */
  read<T>(step: (options: MongoReadOptions) => Promise<T>, strength?: 'STRONG'): Promise<T>
  /** At its deadline a write may have landed, or may land yet. */
  write<T>(step: () => Promise<T>): Promise<T>
  /** Without a deadline. */
  long<T>(step: () => Promise<T>): Promise<T>
}

/** What a guard must know of its server. */
export interface MongoGuardDeps {
  /** For the log: where the server is. */
  hosts: string
  /** Whether others than this server hold what it holds. A standalone server refuses every read concern but `local`. */
  isReplicated(): Promise<boolean>
}

/** Answers that say that the command was wrong: BadValue, FailedToParse, TypeMismatch, conflicting updates, too large (two codes). */
const MISTAKE_CODES: readonly unknown[] = [2, 9, 14, 40, 10334, 17419]

const DUPLICATE_KEY = 11000

/** Unauthorized, AuthenticationFailed, and Atlas' own. */
const ACCESS_CODES: readonly unknown[] = [13, 18, 8000]
const OUT_OF_DISK_SPACE = 14031

/** The driver's own errors that say that it was closed, not that it was misused. */
const CLOSED_ERRORS = [MongoNotConnectedError, MongoClientClosedError, MongoServerClosedError, MongoTopologyClosedError]

/** A linearizable read waits for a majority, without an end of its own. */
const STRONG_SHARE = 0.9

/**
 * The one place that decides what a fault of MongoDB means. The deadline stands over the driver's own
 * bounds, since those start anew with each of its retries.
 */
export function createMongoGuard({ hosts, isReplicated }: MongoGuardDeps, deadlineMs: number): MongoGuard {
  async function long<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      throw isFault(error) ? new HistoryUnavailableError(error, faultOf(error, hosts)) : error
    }
  }

  function write<T>(step: () => Promise<T>): Promise<T> {
    return long(() => withTimeout(step(), deadlineMs))
  }

  async function read<T>(step: (options: MongoReadOptions) => Promise<T>, strength?: 'STRONG'): Promise<T> {
    const deadline = new AbortController()
    const { signal } = deadline
    try {
      return await write(async () => step({ signal, ...(await consistency(strength)) }))
    } catch (error) {
      deadline.abort(error)
      throw error
    }
  }

  async function consistency(strength: 'STRONG' | undefined): Promise<Omit<MongoReadOptions, 'signal'>> {
    if (!(await isReplicated())) return { readConcern: { level: 'local' } }
    if (strength === undefined) return { readConcern: { level: 'majority' } }
    return { readConcern: { level: 'linearizable' }, maxTimeMS: deadlineMs * STRONG_SHARE }
  }

  return { read, write, long }
}

/** Whether no unique index refused the write. */
export async function isUnique(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write()
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

/** Whether a unique index refused a write. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

function isFault(error: unknown): boolean {
  if (error instanceof TimedOutError) return true
  if (error instanceof MongoServerError) return !MISTAKE_CODES.includes(error.code)
  if (error instanceof MongoAPIError) return CLOSED_ERRORS.some((closed) => error instanceof closed)
  return error instanceof MongoError || isSocketError(error)
}

/** A socket's own error (EPIPE, ECONNRESET) can come through the driver as it is. */
function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))
}

function faultOf(error: unknown, hosts: string): Partial<HistoryFault> {
  const code = error instanceof MongoError ? error.code : undefined
  const reason = `MongoDB ${hosts}: ${reasonOf(error)}`
  if (ACCESS_CODES.includes(code)) {
    return {
      detail: 'The history refuses access: its user or password is wrong, or may not do this.',
      retryable: false,
      reason,
    }
  }
  if (code !== OUT_OF_DISK_SPACE) return { reason }
  return { detail: "The history's disk is full: nothing can be stored until there is space.", retryable: false, reason }
}

/** A server's message can hold what was sent to it, so its name for the code stands for it. */
function reasonOf(error: unknown): string {
  if (error instanceof MongoServerError) return String(error.codeName ?? `code ${error.code}`)
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1)
  return withoutAccess(line)
}
