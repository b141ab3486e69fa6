import type { AppendedRows, Tail } from './cache.ts'
import type { Head } from './message.ts'

/**
 * The background writer: takes what is to be written after the response. Bounded; jobs of one
 * conversation run one after another and are merged while they wait; each has a deadline; what is
 * dropped is counted. Nothing that a response waits for goes through it.
 */
export interface Writer {
  fill(conversationId: string, tail: Tail, ttlSeconds: number): void
  /** Merged with a waiting one of the same conversation and branch when contiguous. */
  confirm(conversationId: string, appended: AppendedRows): void
  /** Moves the head hint; the highest of those waiting counts. */
  raiseHead(conversationId: string, branch: string, head: Head, lastMessageAt: number): void
  /** Any other background work (a step of a deletion, events); jobs of one key run one after another. */
  run(key: string, job: () => Promise<void>): void
  /** Waits until everything handed over is done, at most `deadlineMs`; the rest is dropped and counted. */
  drain(deadlineMs: number): Promise<void>
  readonly depth: number
  readonly dropped: number
}
