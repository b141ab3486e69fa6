import type { AppendedRows, Tail } from './cache/cache.ts'
import { joinRows } from './cache/tail-row.ts'
import type { Head } from './message.ts'

/** What the writer has still to write for a conversation. */
export type WriterJob =
  | { type: 'fill'; tail: Tail; ttlSeconds: number | undefined; isStillTrue: (() => Promise<boolean>) | undefined }
  | { type: 'confirm'; appended: AppendedRows }
  | { type: 'head'; branch: string; head: Head; lastMessageAt: number }
  | { type: 'run'; run: () => Promise<void> }

/** Merges a job with those that wait, where one write can do for both. False: it must wait itself. */
export function mergeIntoQueue(jobs: WriterJob[], job: WriterJob): boolean {
  if (job.type === 'confirm') return mergeConfirm(jobs, job.appended)
  for (const [index, waiting] of jobs.entries()) {
    const merged = merge(waiting, job)
    if (merged === undefined) continue
    jobs[index] = merged
    return true
  }
  return false
}

/** To the end of those that wait: behind a fill it finds a tail to join, before it there may be none. */
function mergeConfirm(jobs: WriterJob[], appended: AppendedRows): boolean {
  let joined = appended
  for (let index = 0; index < jobs.length; ) {
    const waiting = jobs[index]
    const merged = waiting?.type === 'confirm' ? joinEither(waiting.appended, joined) : undefined
    if (merged === undefined) {
      index++
      continue
    }
    jobs.splice(index, 1)
    joined = merged
    // What it joins now may stand further in front.
    index = 0
  }
  if (joined !== appended) jobs.push({ type: 'confirm', appended: joined })
  return joined !== appended
}

function joinEither(one: AppendedRows, other: AppendedRows): AppendedRows | undefined {
  return joinAppended(one, other) ?? joinAppended(other, one)
}

/** Undefined unless `next` goes on exactly where `before` ends. */
function joinAppended(before: AppendedRows, next: AppendedRows): AppendedRows | undefined {
  if (before.branch !== next.branch || before.last + 1 !== next.first) return undefined
  return {
    epoch: Math.max(before.epoch, next.epoch),
    branch: before.branch,
    first: before.first,
    last: next.last,
    tokens: before.tokens + next.tokens,
    rows: joinRows([before.rows, next.rows]),
  }
}

function merge(waiting: WriterJob, job: WriterJob): WriterJob | undefined {
  if (waiting.type === 'fill' && job.type === 'fill') return betterFill(waiting, job)
  if (waiting.type === 'head' && job.type === 'head' && waiting.branch === job.branch) {
    const { head } = job.head.sequence > waiting.head.sequence ? job : waiting
    return { ...job, head, lastMessageAt: Math.max(waiting.lastMessageAt, job.lastMessageAt) }
  }
  return undefined
}

/** The one that the cache would let stand (protocol A, fill); of two generations the later one. */
function betterFill<F extends { tail: Tail }>(waiting: F, job: F): F {
  const [before, after] = [waiting.tail, job.tail]
  if (before.generation !== after.generation) return job
  if (before.epoch !== after.epoch) return before.epoch > after.epoch ? waiting : job
  if (before.last !== after.last) return before.last > after.last ? waiting : job
  return before.knownFrom < after.knownFrom ? waiting : job
}
