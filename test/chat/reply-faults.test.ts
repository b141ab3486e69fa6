import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { collect, createReplyNode, OWNER, questionOf, type ReplyNode } from '../support/reply-node.ts'
import { openSqliteWorld, type ReplyWorld } from '../support/reply-world.ts'
import { createScriptedModel, type ScriptedModel } from '../support/scripted-model.ts'

const MEBIBYTE = 1024 * 1024
const never = new AbortController().signal
const away = async () => {
  throw new HistoryUnavailableError(new Error('away'))
}

let world: ReplyWorld
let model: ScriptedModel
let node: ReplyNode
let id: string

beforeEach(async () => {
  world = await openSqliteWorld()
  model = createScriptedModel()
  node = createReplyNode(world, model)
  id = (await node.memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
})
afterEach(async () => {
  await node.stop()
  await world.close()
})

test('a reply whose cost cannot be counted ends all the same', async () => {
  const counter = createTokenCounter()
  const failing = { ...counter, countMessages: vi.fn(counter.countMessages) }
  const other = createReplyNode({ ...world, counter: failing }, model)
  const stream = await other.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('Hi')
  await expect.poll(async () => (await world.records.findActive(OWNER, id))?.text).toBe('Hi')
  failing.countMessages.mockRejectedValueOnce(new Error('no thread'))
  call.finish()
  call.end()
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted', message: { status: 'COMPLETE' } })
  await other.stop()
})

test('a model that talks without end is stopped, and what it said until then is stored', async () => {
  const stream = await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  for (let count = 0; count < 5; count += 1) call.text('word '.repeat(MEBIBYTE / 5))
  const ending = (await collect(stream)).at(-1)
  expect(ending).toMatchObject({ type: 'ReplyFailed', code: 'MODEL_STREAM_BROKEN', retryable: false })
  const length = ending?.type === 'ReplyFailed' && contentOf(ending.partial?.parts ?? []).length
  expect(length).toBe(4 * 5 * Math.floor(MEBIBYTE / 5))
  expect(await world.records.findActive(OWNER, id)).toBeUndefined()
})

test('a client that leaves a reply with CANCEL stops the model also while the history is away', async () => {
  const records = { ...world.records }
  const other = createReplyNode({ ...world, records }, model)
  const client = new AbortController()
  const stream = await other.replies.send(OWNER, questionOf(id, 'Hello?', { onDisconnect: 'CANCEL' }), client.signal)
  const call = await model.nextCall()
  call.text('Hi')
  await stream[Symbol.asyncIterator]().next()
  const { find, change } = world.records
  Object.assign(records, { find: away, change: away })
  client.abort()
  await expect.poll(() => call.signal.aborted).toBe(true)
  Object.assign(records, { find, change })
  await expect.poll(() => world.records.findActive(OWNER, id)).toBeUndefined()
  await other.stop()
})

test('a client that left before there was a stream leaves no follower behind', async () => {
  await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  const { log, size } = countFollowers(world.log)
  const other = createReplyNode({ ...world, log }, model)
  const active = await world.records.findActive(OWNER, id)
  await other.replies.subscribe(OWNER, active?.id ?? '', null, AbortSignal.abort())
  expect(size()).toBe(0)
  call.answer('Hi')
  await other.stop()
})

test('a SUPERSEDE leaves neither a follower nor a timer behind, whether the history took it or not', async () => {
  await node.replies.send(OWNER, questionOf(id, 'one'), never)
  ;(await model.nextCall()).text('1')
  const { log, size } = countFollowers(world.log)
  const records = { ...world.records, change: away as ReplyRecords['change'] }
  const other = createReplyNode({ ...world, log, records }, model)
  const supersede = async (name: string) =>
    collect(await other.replies.send(OWNER, questionOf(id, name, { onBusy: 'SUPERSEDE' }), never))
  expect(await supersede('two')).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
  expect(size()).toBe(0)
  records.change = world.records.change
  const timers = countTimers()
  const ended = supersede('three')
  ;(await model.nextCall()).answer('3')
  expect((await ended).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  await expect.poll(size).toBe(0)
  await expect.poll(countTimers).toBeLessThanOrEqual(timers)
  await other.stop()
})

test('a reply that cannot be ended does not keep the sweep from those behind it', async () => {
  const lost = createReplyNode(
    { ...world, records: { ...world.records, change: () => new Promise(() => {}) } },
    model,
    {
      leaseMs: -5_000,
    },
  )
  const second = (await node.memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
  for (const conversationId of [id, second]) {
    await lost.replies.send(OWNER, questionOf(conversationId, 'Hello?'), never)
    ;(await model.nextCall()).text('Hi')
  }
  const stuck = (await world.records.findActive(OWNER, id))?.id
  const change: ReplyRecords['change'] = (replyId, ...rest) =>
    replyId === stuck ? away() : world.records.change(replyId, ...rest)
  const sweeper = createReplyNode({ ...world, records: { ...world.records, change } }, model)
  await sweeper.replies.sweep()
  expect((await world.records.findActive(OWNER, id))?.id).toBe(stuck)
  expect(await world.records.findActive(OWNER, second)).toBeUndefined()
  expect(sweeper.faults).toHaveLength(1)
  await sweeper.stop()
})

test('a reply whose claim was under way when its node began to stop is interrupted as well', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const insert: ReplyRecords['insert'] = async (record) => held.then(() => world.records.insert(record))
  const other = createReplyNode({ ...world, records: { ...world.records, insert } }, model)
  const sent = other.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  await other.replies.stop(20)
  release()
  expect((await collect(await sent)).at(-1)).toMatchObject({ type: 'ReplyInterrupted', reason: 'SHUTDOWN' })
  expect(await world.records.findActive(OWNER, id)).toBeUndefined()
  expect(model.calls).toHaveLength(0)
  await other.stop()
})

/** A log, and how many follow replies by it. */
function countFollowers(log: ReplyWorld['log']): { log: ReplyWorld['log']; size: () => number } {
  const following = new Set<() => void>()
  const follow: ReplyWorld['log']['follow'] = (...args) => {
    const forget = log.follow(...args)
    following.add(forget)
    return () => {
      following.delete(forget)
      forget()
    }
  }
  return { log: { ...log, follow }, size: () => following.size }
}

/** Those that keep the process from ending. */
function countTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
