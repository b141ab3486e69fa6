import {
  type AppendedRows,
  type CacheLimits,
  type Fork,
  MAX_MARKS,
  type Tail,
} from '../../../src/memory/cache/cache.ts'
import { encodeRow, joinRows } from '../../../src/memory/cache/tail-row.ts'

/** Limits under which a few rows already overflow. */
export const SMALL_LIMITS: CacheLimits = { tailTokens: 30, ttlSeconds: 100 }

/** What a row costs in these tests: enough variety that a wrong sum shows. */
function tokensOf(sequence: number): number {
  return 3 + (sequence % 4)
}

/** Sum of the tokens of the sequences from `first` to `last`. */
export function tokensOfSpan(first: number, last: number): number {
  return tokensUpTo(last) - tokensUpTo(first - 1)
}

function tokensUpTo(sequence: number): number {
  const beyond = sequence % 4
  return 3 * sequence + (6 * (sequence - beyond)) / 4 + (beyond * (beyond + 1)) / 2
}

/** Rows whose content holds everything that a text format could trip over. */
function rowsOf(ends: string, forks: readonly Fork[], first: number, last: number): string {
  const branchAt = (sequence: number) => forks.findLast((fork) => sequence < fork.belowSequence)?.branch ?? ends
  const sequences = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  return joinRows(
    sequences.map((sequence) =>
      encodeRow({
        role: 'USER',
        status: 'COMPLETE',
        parts: [{ type: 'text', text: `"${branchAt(sequence)}/${sequence}",\n[9,"é😀\u0000\\"],` }],
        createdAt: 1_700_000_000_000 + sequence,
        tokens: tokensOf(sequence),
      }),
    ),
  )
}

/** A tail of the root branch, unless the changes say otherwise, as a reader fills it. */
export function tailOf(first: number, last: number, changes: Partial<Tail> = {}): Tail {
  const { branch = '0', forks = [] } = changes
  return {
    generation: 'g1',
    life: 'life-1',
    epoch: 0,
    branch,
    forks,
    first,
    last,
    tokenStart: tokensOfSpan(1, first - 1),
    tokens: tokensOfSpan(first, last),
    knownFrom: first === 1 ? 0 : tokensOfSpan(1, first - 2) + 1,
    ownerId: 'tenant/"ö"',
    encoding: 'o200k_base',
    rows: rowsOf(branch, forks, first, last),
    ...changes,
  }
}

/** As many marks as a register holds, with ids as long as they get. */
export function manyMarks(): Record<string, number> {
  const branches = Array.from({ length: MAX_MARKS }, (_, index) => `b${String(index).padStart(15, '0')}`)
  return Object.fromEntries(branches.map((branch) => [branch, 1]))
}

export function appendedOf(first: number, last: number, changes: Partial<AppendedRows> = {}): AppendedRows {
  const branch = changes.branch ?? '0'
  return {
    epoch: 0,
    branch,
    first,
    last,
    tokens: tokensOfSpan(first, last),
    rows: rowsOf(branch, [], first, last),
    ...changes,
  }
}
