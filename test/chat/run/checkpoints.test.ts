import { expect, test, vi } from 'vitest'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { collect, never, OWNER, placeDeltas, questionOf } from '../../support/reply-node.ts'
import { away, useReplyStage } from '../../support/reply-stage.ts'

const stage = useReplyStage()

/** Longer than the test may take: what waited for one of them would never come. */
const LONG_INTERVALS = { checkpointMs: 600_000, leaseMs: 3_600_000 }

test('a stop that comes while a checkpoint is under way is met by another one right after it', async () => {
  const { world } = stage
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const change = vi.fn<ReplyRecords['change']>(async (...args) => {
    const isChanged = await world.records.change(...args)
    // The answer to the first checkpoint is late: it was written before the stop.
    if (change.mock.calls.length === 1) await held
    return isChanged
  })
  const { call, other, active } = await startReply(change, LONG_INTERVALS)
  await expect.poll(() => change).toHaveBeenCalledTimes(1)
  await other.replies.cancel(OWNER, active.id)
  release()
  await expect.poll(() => call.signal.aborted).toBe(true)
})

test('what followers need to begin comes with the first checkpoint that is written', async () => {
  const { world } = stage
  let failures = 2
  const change: ReplyRecords['change'] = async (...args) => {
    if (failures > 0) {
      failures -= 1
      throw away()
    }
    return world.records.change(...args)
  }
  const { call, other, active } = await startReply(change, { checkpointMs: 20 })
  const following = (await other.replies.subscribe(OWNER, active.id, null, never))[Symbol.asyncIterator]()
  expect((await following.next()).value).toMatchObject({ type: 'ReplyStarted', question: { sequence: 1 } })
  call.answer('Hi')
  expect(placeDeltas(await collect({ [Symbol.asyncIterator]: () => following }))).toBe('Hi')
})

test('a silent model costs a write for each third of a lease, not for each checkpoint', async () => {
  const { world } = stage
  const change = vi.fn(world.records.change)
  const { call, active } = await startReply(change, { checkpointMs: 10, leaseMs: 6_000 })
  const seen = (text: string) => expect.poll(async () => (await world.records.find(OWNER, active.id))?.text).toBe(text)
  call.text('Hi')
  await seen('Hi')
  const leaseUntil = async () => (await world.records.find(OWNER, active.id))?.leaseUntil ?? 0
  const held = await leaseUntil()
  change.mockClear()
  await expect.poll(leaseUntil).toBeGreaterThan(held + 1_500)
  expect(change.mock.calls.length).toBeLessThan(10)
  call.text('!')
  await seen('Hi!')
  call.answer('')
})

/** A reply that runs on a node with this change of records, and another node. */
async function startReply(change: ReplyRecords['change'], limits: { checkpointMs: number; leaseMs?: number }) {
  const { model, node: other, id, startNode } = stage
  const owner = startNode({ records: { change } }, { leaseMs: 10_000, ...limits })
  await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  const active = await other.replies.findActive(OWNER, id)
  if (active === undefined) throw new Error('No active reply')
  return { call, other, active }
}
