import type { Interval, Spread } from './interval.ts'

/** `×` is a ratio of A to B, `ms` and `µs` a time or a difference of times; the others are what they say. */
export type Unit = '×' | 'ms' | 'µs' | '%' | 'bytes/byte' | 'KB' | 'messages/s'

/** What is promised of a figure (design section 17). */
export type Target = { atMost: number } | { atLeast: number }

/** What was compared, with what its slices took. */
export interface Side {
  name: string
  unit: Unit
  spread: Spread
}

/** One line of the table. */
export interface Finding {
  what: string
  sides: Side[]
  unit: Unit
  figure: Interval
  /** The same figure for A against itself in the same run: what the machine makes of nothing. */
  noise?: Interval
  target?: Target
  /** Where it is in the chart of its row. */
  point?: { series: string; messages: number }
  /** The figure of each round, in order. */
  rounds: number[]
}

export type Verdict = 'met' | 'missed' | 'too noisy to tell' | ''

/** Whether the whole interval, widened by what A differs from itself, is on one side of the target. */
export function verdictOf({ figure, unit, noise, target }: Finding): Verdict {
  if (target === undefined) return ''
  const { low, high } = noise === undefined ? figure : widen(figure, noise, unit)
  if ('atMost' in target) return high <= target.atMost ? 'met' : low > target.atMost ? 'missed' : 'too noisy to tell'
  return low >= target.atLeast ? 'met' : high < target.atLeast ? 'missed' : 'too noisy to tell'
}

function widen({ low, high }: Interval, noise: Interval, unit: Unit): { low: number; high: number } {
  if (unit === '×') return { low: low * Math.min(1, noise.low), high: high * Math.max(1, noise.high) }
  return { low: low + Math.min(0, noise.low), high: high + Math.max(0, noise.high) }
}
