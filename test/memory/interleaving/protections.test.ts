import { describe, expect, test } from 'vitest'
import { APPEND, type Trace, takeSteps, traces } from './traces.ts'
import { createWorld, type Protections } from './world.ts'

const named = traces.map((trace) => ({
  ...trace,
  name: [trace.protection, ...(trace.when ? [trace.when] : [])].join(', where '),
}))

describe('each protection of the cache protocol', () => {
  test.each(named)(
    '$name: without it the trace shows a stale or torn context',
    async ({ protection, others, take }) => {
      expect(await violationsOf([protection, ...(others ?? [])], take)).not.toEqual([])
    },
  )

  test.each(named)('$name: with it the same trace keeps every promise', async ({ others, take }) => {
    expect(await violationsOf(others ?? [], take)).toEqual([])
  })
})

async function violationsOf(off: (keyof Protections)[], takeTrace: Trace['take']): Promise<string[]> {
  const world = createWorld(off)
  await world.append('A', 'one')
  await takeSteps(world, 'A', ...APPEND, 'raiseHead')
  await takeTrace(world)
  await world.read('D')
  await world.steps.runAll('D')
  expect(world.ledger.answers.length).toBeGreaterThan(0)
  return world.ledger.violations
}
