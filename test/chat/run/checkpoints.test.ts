import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { collect, createReplyNode, OWNER, placeDeltas, questionOf } from '../../support/reply-node.ts'
import { openSqliteWorld, type ReplyWorld } from '../../support/reply-world.ts'
import { createScriptedModel } from '../../support/scripted-model.ts'

const never = new AbortController().signal

let world: ReplyWorld

beforeEach(async () => {
  world = await openSqliteWorld()
})
afterEach(() => world.close())

/** Longer than the test may take: what waited for one of them would never come. */
const LONG_INTERVALS = { checkpointMs: 600_000, leaseMs: 3_600_000 }

test('a stop that comes while a checkpoint is under way is met by another one right after it', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const change = vi.fn<ReplyRecords['change']>(async (...args) => {
    const isChanged = await world.records.change(...args)
    // The answer to the first checkpoint is late: it was written before the stop.
    if (change.mock.calls.length === 1) await held
    return isChanged
  })
  const { call, other, active, stop } = await startReply({ ...world.records, change }, LONG_INTERVALS)
  await expect.poll(() => change).toHaveBeenCalledTimes(1)
  const aborted = new Promise((resolve) => call.signal.addEventListener('abort', resolve))
  await other.replies.cancel(OWNER, active.id)
  release()
  await aborted
  await stop()
})

test('what followers need to begin comes with the first checkpoint that is written', async () => {
  let failures = 2
  const change: ReplyRecords['change'] = async (...args) => {
    if (failures > 0) {
      failures -= 1
      throw new HistoryUnavailableError(new Error('away'))
    }
    return world.records.change(...args)
  }
  const { call, other, active, stop } = await startReply({ ...world.records, change }, { checkpointMs: 20 })
  const following = (await other.replies.subscribe(OWNER, active.id, null, never))[Symbol.asyncIterator]()
  expect((await following.next()).value).toMatchObject({ type: 'ReplyStarted', question: { sequence: 1 } })
  call.answer('Hi')
  expect(placeDeltas(await collect({ [Symbol.asyncIterator]: () => following }))).toBe('Hi')
  await stop()
})

test('a silent model costs a write for each third of a lease, not for each checkpoint', async () => {
  const change = vi.fn(world.records.change)
  const { call, active, stop } = await startReply({ ...world.records, change }, { checkpointMs: 10, leaseMs: 6_000 })
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
  await stop()
})

/** A reply that runs on a node with these records, and another node. */
async function startReply(records: ReplyRecords, limits: { checkpointMs: number; leaseMs?: number }) {
  const model = createScriptedModel()
  const owner = createReplyNode({ ...world, records }, model, { leaseMs: 10_000, ...limits })
  const other = createReplyNode(world, model)
  const id = (await owner.memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
  await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  const active = await other.replies.findActive(OWNER, id)
  if (active === undefined) throw new Error('No active reply')
  const stop = async () => {
    await owner.stop()
    await other.stop()
  }
  return { call, other, active, stop }
}
