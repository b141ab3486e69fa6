import { setImmediate as nextTurn } from 'node:timers/promises'
import { Bench, type Task } from 'tinybench'
import type { Finding, Target } from './finding.ts'
import { medianInterval, spreadOf } from './interval.ts'

/** Something whose time is taken. */
export interface Contender {
  name: string
  run(): Promise<unknown>
  /** Untimed, around every run. */
  before?(): Promise<void>
  after?(): Promise<void>
}

/** How a comparison is measured. */
export interface Slicing {
  /** Rounds, each one slice of A, one of B and one of A again. */
  slices: number
  /** A slice takes at least so long, and at least one run. */
  sliceMs: number
  /** Rounds that only warm up. */
  warmUpRounds?: number
  /** What is taken of a slice's runs: the median, or its slowest hundredth. */
  latency?: 'p50' | 'p99'
}

/** What a finding is made of: the ratio A : B, the difference A - B, or A's own time. */
export type Figure = 'RATIO' | 'DIFFERENCE' | 'TIME'

const WARM_UP_ROUNDS = 4

/**
 * Measures two contenders in short slices in turn, since a machine drifts by a factor of two within a
 * minute. Each round is A B A: the mean of both A cancels a steady drift against B, and A against A says
 * what the machine makes of nothing. A round's figure comes from its slices'
 * medians.
 */
export async function compare(
  what: string,
  [a, b]: readonly [Contender, Contender],
  { slices, sliceMs, warmUpRounds = WARM_UP_ROUNDS, latency = 'p50' }: Slicing,
  figure: Figure,
  target?: Target,
): Promise<Finding> {
  const bench = new Bench({ time: sliceMs, iterations: 1, warmup: false, throws: true })
  for (const [name, { run, before, after }] of [['A', a] as const, ['B', b] as const, ['A again', a] as const]) {
    const hooks = { ...(before && { beforeEach: before }), ...(after && { afterEach: after }) }
    // What never waits for a store runs in microtasks alone: without a turn its background work never would.
    bench.add(name, run, { ...hooks, beforeAll: () => nextTurn(), async: true })
  }
  const rounds: [a: number, b: number, again: number][] = []
  for (let round = -warmUpRounds; round < slices; round++) {
    bench.reset()
    const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = (await bench.run()).map((task) =>
      latencyMs(task, latency),
    )
    if (round >= 0) rounds.push([first, second, third])
  }
  const figures = rounds.map(([first, second, third]) => figureOf(figure, (first + third) / 2, second))
  const noise = rounds.map(([first, , third]) => figureOf(figure === 'TIME' ? 'DIFFERENCE' : figure, third, first))
  const side = ({ name }: Contender, times: number[]) => ({ name, unit: 'ms' as const, spread: spreadOf(times) })
  return {
    what,
    sides: [
      side(
        a,
        rounds.flatMap(([first, , third]) => [first, third]),
      ),
      side(
        b,
        rounds.map(([, second]) => second),
      ),
    ],
    unit: figure === 'RATIO' ? '×' : 'ms',
    figure: medianInterval(figures),
    noise: medianInterval(noise),
    ...(target && { target }),
    rounds: figures,
  }
}

function latencyMs({ result }: Task, latency: 'p50' | 'p99'): number {
  if (result.state !== 'completed') throw new Error(`A slice ended as ${result.state}`)
  return result.latency[latency]
}

function figureOf(figure: Figure, a: number, b: number): number {
  if (figure === 'RATIO') return a / b
  return figure === 'DIFFERENCE' ? a - b : a
}
