import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ExecutionBounds } from '../../src/plans/execution-bounds.ts'

/** Bounds that nothing reaches; the error for what does says what was refused. */
export function createBounds(changes: Partial<ExecutionBounds> = {}): ExecutionBounds {
  return {
    maxCost: Number.POSITIVE_INFINITY,
    maxExecutedCost: Number.POSITIVE_INFINITY,
    maxLength: Number.POSITIVE_INFINITY,
    turns: { next: () => nextTurn() },
    costOfTurn: 1_000,
    refuse: (limit, given) => new Error(`at most ${limit}; got ${given}`),
    enter: () => undefined,
    async onLarge() {},
    ...changes,
  }
}
