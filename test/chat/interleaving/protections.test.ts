import { describe, expect, test } from 'vitest'
import { useReplyStage } from '../../support/reply-stage.ts'
import { PROTECTIONS, type Protection } from './protections.ts'
import { type StartNode, TRACES } from './traces.ts'

const stage = useReplyStage()

describe('each protection of the reply protocol', () => {
  const traces = Object.entries(TRACES).map(([name, trace]) => ({ ...trace, protection: name as Protection }))

  test.each(traces)('$protection: without it the trace breaks a promise', async ({ protection, breaks, take }) => {
    expect(await take(stage, startWithout(protection))).toBe(breaks)
  })

  test.each(traces)('$protection: with it the same trace keeps every promise', async ({ take }) => {
    expect(await take(stage, startWithout(undefined))).toBeUndefined()
  })
})

function startWithout(protection: Protection | undefined): StartNode {
  return ({ records, history } = {}, more) => {
    const { world } = stage
    const stores = { records: { ...world.records, ...records }, history: { ...world.history, ...history } }
    return stage.startNode({ ...more, ...(protection ? PROTECTIONS[protection](stores) : stores) })
  }
}
