import { afterEach, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { collect, never, OWNER, questionOf } from '../support/reply-node.ts'
import { away, useReplyStage } from '../support/reply-stage.ts'

const stage = useReplyStage()
afterEach(() => void vi.useRealTimers())

test('an answer that a store refuses with a fault of its own, three times, ends FAILED and frees its conversation', async () => {
  const { world, model, id, startNode, readActive } = stage
  let refusals = 0
  const insertMessages: History['insertMessages'] = async (messages) => {
    if (!messages.some(({ role }) => role === 'ASSISTANT')) return world.history.insertMessages(messages)
    refusals += 1
    throw new TypeError('Provided value cannot be bound')
  }
  const owner = startNode({ history: { insertMessages } })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  ;(await model.nextCall()).answer('Hi')
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyFailed', code: 'INTERNAL', retryable: false })
  expect(refusals).toBe(3)
  expect(await readActive()).toBeUndefined()
  const [reply] = await world.records.findNewestMany(OWNER, [id])
  expect(reply).toMatchObject({ phase: 'ENDED', text: 'Hi', outcome: { type: 'FAILED' } })
  expect(reply?.messageId).toBeUndefined()
})

test('the absence of a store is no refusal: the answer is stored when it is back', async () => {
  const { world, model, id, startNode } = stage
  let absences = 0
  const insertMessages: History['insertMessages'] = async (messages) => {
    if (!messages.some(({ role }) => role === 'ASSISTANT') || absences === 5)
      return world.history.insertMessages(messages)
    absences += 1
    throw away()
  }
  const owner = startNode({ history: { insertMessages } })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  ;(await model.nextCall()).answer('Hi')
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  expect(absences).toBe(5)
})

test('a reply that was taken over ends also where its cost cannot be counted', async () => {
  const { world, model, id, startNode, readActive } = stage
  const lost = startNode({ records: { change: () => new Promise(() => {}) } }, { leaseMs: -5_000 })
  await lost.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  ;(await model.nextCall()).text('Hi')
  const reply = await readActive()
  const usage = { promptTokens: 1, completionTokens: 0, estimated: true } as const
  await world.records.change(reply?.id ?? '', { phase: 'RUN' }, { text: 'Hi', usage })
  const counter = createTokenCounter()
  const { countMessages } = counter
  let failures = 0
  counter.countMessages = async (encoding, drafts) => {
    if (drafts[0] && contentOf(drafts[0].parts) === 'Hi' && drafts.length === 2) {
      failures += 1
      throw new Error('no thread')
    }
    return countMessages(encoding, drafts)
  }
  const other = startNode({ counter })
  expect(await other.replies.find(OWNER, reply?.id ?? '')).toMatchObject({ phase: 'ENDED' })
  expect(failures).toBe(1)
})

test('a reply that no store ends does so within its own limit, with all of its text, and is reported twice', async () => {
  const { world, model, node, id, startNode, untilSaved } = stage
  // Its time passes with the turns of the event loop, however slow those are.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true })
  let isFull = false
  const full = () => new HistoryUnavailableError(new Error('the disk is full'))
  const change: ReplyRecords['change'] = async (...args) => {
    if (isFull) throw full()
    return world.records.change(...args)
  }
  const owner = startNode({ records: { change } }, { replyTimeoutMs: 3_000, checkpointMs: 20, leaseMs: 1_000 })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('So far')
  await untilSaved('So far')
  isFull = true
  call.answer(', and on')
  const ending = (await collect(stream)).at(-1)
  expect(ending).toMatchObject({ type: 'ReplyFailed', code: 'HISTORY_UNAVAILABLE', detail: full().message })
  const partial = ending?.type === 'ReplyFailed' ? ending.partial : undefined
  expect(contentOf(partial?.parts ?? [])).toBe('So far, and on')
  expect(partial?.sequence).toBe(2)
  expect(await node.memory.findMessages(OWNER, [partial?.id ?? ''])).toEqual([undefined])
  expect(owner.faults).toHaveLength(2)
  // The store is back: whoever comes by ends it with what was saved.
  isFull = false
  const later = startNode({ now: () => Date.now() + 10_000 })
  const [reply] = await world.records.findNewestMany(OWNER, [id])
  expect(await later.replies.find(OWNER, reply?.id ?? '')).toMatchObject({
    phase: 'ENDED',
    outcome: { type: 'INTERRUPTED', reason: 'NODE_LOST' },
  })
})

test('a series of faults is one report, and its end another', async () => {
  const { world, model, id, startNode, readActive } = stage
  const recovered: string[] = []
  let failures = 5
  const change: ReplyRecords['change'] = async (...args) => {
    if (args[2].leaseUntil !== undefined && failures-- > 0) throw away()
    return world.records.change(...args)
  }
  const onRecovered = (replyId: string) => void recovered.push(replyId)
  const owner = startNode({ records: { change }, onRecovered }, { checkpointMs: 10 })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('Hi')
  await expect.poll(() => recovered).toEqual([(await readActive())?.id])
  call.answer('')
  await collect(stream)
  expect(owner.faults).toHaveLength(1)
})

test('a run that fails by a fault of our own ends its streams, is reported, and leaves what it stored', async () => {
  const { world, model, id, startNode } = stage
  let failures = 1
  const change: ReplyRecords['change'] = async (...args) => {
    if (args[2].phase === 'SEALED' && failures-- > 0) throw away()
    return world.records.change(...args)
  }
  const fault = new TypeError('The log is broken')
  const onRecovered = () => {
    throw fault
  }
  const owner = startNode({ records: { change }, onRecovered }, { checkpointMs: 10 })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  ;(await model.nextCall()).answer('Hi')
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyFailed', code: 'INTERNAL', retryable: false })
  expect(owner.faults.at(-1)).toBe(fault)
  const [reply] = await world.records.findNewestMany(OWNER, [id])
  expect(reply).toMatchObject({ phase: 'ENDED', outcome: { type: 'COMPLETED' } })
  const again = collect(await owner.replies.send(OWNER, questionOf(id, 'And now?'), never))
  ;(await model.nextCall()).answer('Yes')
  expect((await again).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

test('a question that waits in a conversation that is deleted hears NOT_FOUND, on every node', async () => {
  const { node, id } = stage
  const { streams } = await queueBehindRunning()
  await node.memory.deleteConversation(OWNER, id)
  for (const events of await Promise.all(streams)) {
    expect(events.at(-1)).toMatchObject({ type: 'ReplyRejected', code: 'NOT_FOUND' })
  }
})

test('a question that waits where its node stops is taken out, and may be sent again under the same id', async () => {
  const { model, node, id } = stage
  const { owner, streams } = await queueBehindRunning()
  await owner.replies.stop(50)
  const [here, elsewhere] = await Promise.all(streams)
  expect(here?.at(-1)).toMatchObject({ type: 'ReplyRejected', code: 'SHUTTING_DOWN' })
  expect(elsewhere?.at(-1)).toMatchObject({ type: 'ReplyRejected', code: 'NODE_LOST' })
  const again = collect(await node.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'SUPERSEDE' }), never))
  ;(await model.nextCall()).answer('2')
  expect((await again).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

test('a question whose node died while it waited is swept, and may be sent again under the same id', async () => {
  const { world, model, node, id, startNode } = stage
  const lost = startNode({ records: { change: () => new Promise(() => {}) } }, { leaseMs: -5_000 })
  const running = collect(await node.replies.send(OWNER, questionOf(id, 'one'), never))
  const call = await model.nextCall()
  await lost.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never)
  expect(await world.records.findQueued(OWNER, id, 10)).toHaveLength(1)
  await node.replies.sweep()
  expect(await world.records.findQueued(OWNER, id, 10)).toEqual([])
  const again = collect(await node.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never))
  call.answer('1')
  await running
  ;(await model.nextCall()).answer('2')
  expect((await again).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

/** A question that waits behind one that runs elsewhere: its streams on its own node and on another one. */
async function queueBehindRunning() {
  const { world, model, node, id, startNode } = stage
  const owner = startNode()
  await node.replies.send(OWNER, questionOf(id, 'one'), never)
  ;(await model.nextCall()).text('1')
  const queued = owner.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never).then(collect)
  await expect.poll(async () => (await world.records.findQueued(OWNER, id, 10)).length).toBe(1)
  const [waiting] = await world.records.findQueued(OWNER, id, 10)
  const elsewhere = collect(await node.replies.subscribe(OWNER, waiting?.id ?? '', null, never))
  return { owner, streams: [queued, elsewhere] }
}
