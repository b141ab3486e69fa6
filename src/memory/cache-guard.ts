import type { AppendedRows, CacheEntry, Mark, Register, Tail } from './cache.ts'

/**
 * The one place that decides what a fault of the cache means: a miss. No method rejects, none takes
 * longer than the command timeout, and while the circuit breaker is open none waits at all.
 */
export interface CacheGuard {
  /** Undefined when the cache cannot be asked. Registers are raised by the marks that are still unsent here. */
  readEntries(conversationIds: readonly string[]): Promise<CacheEntry[] | undefined>
  /** Undefined: answer without filling. */
  open(conversationId: string): Promise<Register | undefined>
  /** A mark that was not taken is kept (bounded, merged) and sent when the cache is back. */
  mark(conversationId: string, mark: Mark): Promise<void>
  confirm(conversationId: string, appended: AppendedRows): Promise<void>
  fill(conversationId: string, tail: Tail, ttlSeconds: number): Promise<boolean>
  /** Whether the drop was answered. */
  drop(conversationId: string): Promise<boolean>
  readonly available: boolean
  close(): Promise<void>
}
