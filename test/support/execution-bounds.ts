import type { ExecutionBounds } from '../../src/plans/execution-bounds.ts'
import { createTurns } from '../../src/plans/turns.ts'

/** Bounds that nothing reaches; the error for what does says what was refused. */
export function createBounds(changes: Partial<ExecutionBounds> = {}): ExecutionBounds {
  return {
    maxCost: Number.POSITIVE_INFINITY,
    maxExecutedCost: Number.POSITIVE_INFINITY,
    maxLength: Number.POSITIVE_INFINITY,
    turns: createTurns(),
    costOfTurn: 1_000,
    refuse: (limit, given) => new Error(`at most ${limit}; got ${given}`),
    onLarge() {},
    ...changes,
  }
}
