import PQueue from 'p-queue'
import type { AppendedRows, Tail } from './cache/cache.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import type { History } from './history/history.ts'
import { mergeIntoQueue, type WriterJob } from './job-queue.ts'
import type { Head } from './message.ts'

/**
 * The background writer: does after the response what needs no answer. Bounded; jobs of one conversation
 * run one after another and are merged while they wait; each has a deadline; what is dropped is counted.
 * Nothing that a response waits for goes through it.
 */
export interface Writer {
  /** See Cache. With `isStillTrue` only if that says so when its turn comes. */
  fill(conversationId: string, tail: Tail, ttlSeconds: number | undefined, isStillTrue?: () => Promise<boolean>): void
  /** Merged with a waiting one of the same conversation and branch when contiguous. */
  confirm(conversationId: string, appended: AppendedRows): void
  /** Moves the head hint; the highest of those waiting counts. */
  raiseHead(conversationId: string, branch: string, head: Head, lastMessageAt: number): void
  /** Any other background work (a step of a deletion, events); jobs of one key run one after another. */
  run(key: string, job: () => Promise<void>): void
  /** Waits until everything scheduled is done, at most `deadlineMs`; the rest is dropped and counted. */
  drain(deadlineMs: number): Promise<void>
  /** How many jobs wait. */
  readonly depth: number
  readonly dropped: number
}

/** Bounds of the writer, each with a default. */
export interface WriterLimits {
  /** Jobs that run at the same time, each of another conversation. */
  concurrency?: number
  /** Jobs of so many conversations wait at most; those of others are dropped. */
  maxConversations?: number
  /** So many jobs of one conversation wait at most. */
  maxJobsOfConversation?: number
  /** A job that takes longer is given up: the next one starts, and it counts as dropped. */
  jobTimeoutMs?: number
}

/** Where the writer writes, and who is notified of what failed. */
export interface WriterDeps {
  guard: Pick<CacheGuard, 'fill' | 'confirm'>
  history: Pick<History, 'raiseHead'>
  /** Called for every job that failed or was given up. */
  onError(conversationId: string, error: unknown): void
}

/** The writer, on p-queue; order and merging within a conversation are ours. */
export function createWriter({ guard, history, onError }: WriterDeps, limits: WriterLimits = {}): Writer {
  const { concurrency = 8, maxConversations = 1_000, maxJobsOfConversation = 64, jobTimeoutMs = 5_000 } = limits
  const queue = new PQueue({ concurrency, timeout: jobTimeoutMs })
  const waiting = new Map<string, WriterJob[]>()
  const whenEmpty: (() => void)[] = []
  let dropped = 0

  function schedule(conversationId: string, job: WriterJob): void {
    const jobs = waiting.get(conversationId)
    if (jobs && mergeIntoQueue(jobs, job)) return
    if (jobs ? jobs.length >= maxJobsOfConversation : waiting.size >= maxConversations) {
      dropped++
      return
    }
    if (jobs) jobs.push(job)
    else {
      waiting.set(conversationId, [job])
      startNext(conversationId)
    }
  }

  /** In a later tick, so that the response goes first; and what comes until then can be merged. */
  function startNext(conversationId: string): void {
    setImmediate(() => {
      queue
        .add(() => runFirst(conversationId))
        .then(
          () => finish(conversationId),
          (error: unknown) => {
            dropped++
            onError(conversationId, error)
            finish(conversationId)
          },
        )
    })
  }

  async function runFirst(conversationId: string): Promise<void> {
    const job = waiting.get(conversationId)?.shift()
    if (job === undefined) return
    if (job.type === 'fill') await runFill(conversationId, job)
    else if (job.type === 'confirm') await guard.confirm(conversationId, job.appended)
    else if (job.type === 'head') await history.raiseHead(conversationId, job.branch, job.head, job.lastMessageAt)
    else await job.run()
  }

  async function runFill(conversationId: string, job: WriterJob & { type: 'fill' }): Promise<void> {
    const { tail, ttlSeconds, isStillTrue } = job
    if (isStillTrue === undefined || (await isStillTrue())) await guard.fill(conversationId, tail, ttlSeconds)
  }

  function finish(conversationId: string): void {
    const jobs = waiting.get(conversationId)
    if (jobs && jobs.length > 0) {
      startNext(conversationId)
      return
    }
    waiting.delete(conversationId)
    if (waiting.size === 0) for (const notify of whenEmpty.splice(0)) notify()
  }

  function fill(
    conversationId: string,
    tail: Tail,
    ttlSeconds: number | undefined,
    isStillTrue?: () => Promise<boolean>,
  ): void {
    schedule(conversationId, { type: 'fill', tail, ttlSeconds, isStillTrue })
  }

  function confirm(conversationId: string, appended: AppendedRows): void {
    schedule(conversationId, { type: 'confirm', appended })
  }

  function raiseHead(conversationId: string, branch: string, head: Head, lastMessageAt: number): void {
    schedule(conversationId, { type: 'head', branch, head, lastMessageAt })
  }

  function run(key: string, job: () => Promise<void>): void {
    schedule(key, { type: 'run', run: job })
  }

  async function drain(deadlineMs: number): Promise<void> {
    if (waiting.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    whenEmpty.push(resolve)
    const timer = setTimeout(() => {
      for (const jobs of waiting.values()) dropped += jobs.splice(0).length
      resolve()
    }, deadlineMs)
    await promise
    clearTimeout(timer)
  }

  return {
    fill,
    confirm,
    raiseHead,
    run,
    drain,
    get depth() {
      return [...waiting.values()].reduce((total, jobs) => total + jobs.length, 0)
    },
    get dropped() {
      return dropped
    },
  }
}
