import { expect, test, vi } from 'vitest'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { collect, never, OWNER, questionOf } from '../support/reply-node.ts'
import { away, useReplyStage } from '../support/reply-stage.ts'
import type { ReplyWorld } from '../support/reply-world.ts'

const MEBIBYTE = 1024 * 1024

const stage = useReplyStage()

test('a reply whose cost cannot be counted ends all the same', async () => {
  const { model, id, startNode, untilSaved } = stage
  const counter = createTokenCounter()
  const failing = { ...counter, countMessages: vi.fn(counter.countMessages) }
  const other = startNode({ counter: failing })
  const stream = await other.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('Hi')
  await untilSaved('Hi')
  failing.countMessages.mockRejectedValueOnce(new Error('no thread'))
  call.finish()
  call.end()
  const end = (await collect(stream)).at(-1)
  expect(end).toMatchObject({ type: 'ReplyCompleted', message: { status: 'COMPLETE' } })
  expect(end).not.toHaveProperty('message.usage')
})

test('a model that talks without end is stopped, and what it said until then is stored', async () => {
  const { model, node, id, readActive } = stage
  const stream = await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  for (let count = 0; count < 5; count += 1) call.text('word '.repeat(MEBIBYTE / 5))
  const ending = (await collect(stream)).at(-1)
  expect(ending).toMatchObject({ type: 'ReplyFailed', code: 'MODEL_STREAM_BROKEN', retryable: false })
  const length = ending?.type === 'ReplyFailed' && contentOf(ending.partial?.parts ?? []).length
  expect(length).toBe(4 * 5 * Math.floor(MEBIBYTE / 5))
  expect(await readActive()).toBeUndefined()
})

test('a client that leaves a reply with CANCEL stops the model also while the history is away', async () => {
  const { world, model, id, startNode, readActive } = stage
  let isAway = false
  const find: ReplyRecords['find'] = (...args) => (isAway ? Promise.reject(away()) : world.records.find(...args))
  const change: ReplyRecords['change'] = (...args) => (isAway ? Promise.reject(away()) : world.records.change(...args))
  const other = startNode({ records: { find, change } })
  const client = new AbortController()
  const stream = await other.replies.send(OWNER, questionOf(id, 'Hello?', { onDisconnect: 'CANCEL' }), client.signal)
  const call = await model.nextCall()
  call.text('Hi')
  await stream[Symbol.asyncIterator]().next()
  isAway = true
  client.abort()
  await expect.poll(() => call.signal.aborted).toBe(true)
  isAway = false
  await expect.poll(readActive).toBeUndefined()
})

test('a client that left before there was a stream leaves no follower behind', async () => {
  const { world, model, node, id, startNode, readActive } = stage
  await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  const { log, size } = countFollowers(world.log)
  const other = startNode({ log })
  const active = await readActive()
  await other.replies.subscribe(OWNER, active?.id ?? '', null, AbortSignal.abort())
  expect(size()).toBe(0)
  call.answer('Hi')
})

test('a SUPERSEDE leaves neither a follower nor a timer behind, whether the history took it or not', async () => {
  const { world, model, node, id, startNode } = stage
  await node.replies.send(OWNER, questionOf(id, 'one'), never)
  ;(await model.nextCall()).text('1')
  const { log, size } = countFollowers(world.log)
  let isAway = true
  const change: ReplyRecords['change'] = (...args) => (isAway ? Promise.reject(away()) : world.records.change(...args))
  const other = startNode({ log, records: { change } })
  const supersede = async (name: string) =>
    collect(await other.replies.send(OWNER, questionOf(id, name, { onBusy: 'SUPERSEDE' }), never))
  expect(await supersede('two')).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
  expect(size()).toBe(0)
  isAway = false
  const timers = countTimers()
  const ended = supersede('three')
  ;(await model.nextCall()).answer('3')
  expect((await ended).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  await expect.poll(size).toBe(0)
  await expect.poll(countTimers).toBeLessThanOrEqual(timers)
})

test('a reply that cannot be ended does not keep the sweep from those behind it', async () => {
  const { world, model, node, id, startNode, readActive } = stage
  const lost = startNode({ records: { change: () => new Promise(() => {}) } }, { leaseMs: -5_000 })
  const second = (await node.memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
  for (const conversationId of [id, second]) {
    await lost.replies.send(OWNER, questionOf(conversationId, 'Hello?'), never)
    ;(await model.nextCall()).text('Hi')
  }
  const stuck = (await readActive())?.id
  const change: ReplyRecords['change'] = (replyId, ...rest) =>
    replyId === stuck ? Promise.reject(away()) : world.records.change(replyId, ...rest)
  const sweeper = startNode({ records: { change } })
  await sweeper.replies.sweep()
  expect((await readActive())?.id).toBe(stuck)
  expect(await world.records.findActive(OWNER, second)).toBeUndefined()
  expect(sweeper.faults).toHaveLength(1)
})

test('a reply whose claim was under way when its node began to stop is interrupted as well', async () => {
  const { world, model, id, startNode, readActive } = stage
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const insert: ReplyRecords['insert'] = async (record) => held.then(() => world.records.insert(record))
  const other = startNode({ records: { insert } })
  const sent = other.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  await other.replies.stop(20)
  release()
  expect((await collect(await sent)).at(-1)).toMatchObject({ type: 'ReplyInterrupted', reason: 'SHUTDOWN' })
  expect(await readActive()).toBeUndefined()
  expect(model.calls).toHaveLength(0)
})

/** A log, and how many follow replies by it. */
function countFollowers(log: ReplyWorld['log']): { log: ReplyWorld['log']; size: () => number } {
  const following = new Set<() => void>()
  const follow: ReplyWorld['log']['follow'] = (...args) => {
    const unsubscribe = log.follow(...args)
    following.add(unsubscribe)
    return () => {
      following.delete(unsubscribe)
      unsubscribe()
    }
  }
  return { log: { ...log, follow }, size: () => following.size }
}

/** Those that keep the process from ending. */
function countTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
