import { expect, test } from 'vitest'
import { ConversationUnreadableError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ReplyRecord, ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { createReplyId } from '../../src/memory/ids.ts'
import { collect, never, OWNER, placeDeltas, questionOf } from '../support/reply-node.ts'
import { away, useReplyStage } from '../support/reply-stage.ts'

const TOOL_CALL = { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{"q":"a"}' } as const

const stage = useReplyStage()

test('a renewal that lands after a later one changes nothing', async () => {
  const { world, model, id, startNode, readActive, untilSaved } = stage
  const late = Promise.withResolvers<void>()
  const landed = Promise.withResolvers<boolean>()
  let isFirst = true
  const change: ReplyRecords['change'] = async (...args) => {
    const [, , changes] = args
    if (changes.text !== 'old' || !isFirst) return world.records.change(...args)
    isFirst = false
    // As a driver does that tries a write again whose answer it waited for too long.
    void late.promise.then(() => world.records.change(...args)).then(landed.resolve, landed.reject)
    throw away()
  }
  const owner = startNode({ records: { change } })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('old')
  await expect.poll(() => isFirst).toBe(false)
  call.text(' and new')
  await untilSaved('old and new')
  const saved = await readActive()
  late.resolve()
  expect(await landed.promise).toBe(false)
  expect((await readActive())?.text).toBe('old and new')
  expect((await readActive())?.leaseUntil).toBeGreaterThanOrEqual(saved?.leaseUntil ?? 0)
  call.answer('.')
  expect(placeDeltas(await collect(stream))).toBe('old and new.')
})

test('a renewal whose answer was lost is followed by others, from the beat that it left', async () => {
  const { world, model, id, startNode, untilSaved } = stage
  let lost = 1
  const change: ReplyRecords['change'] = async (...args) => {
    const isChanged = await world.records.change(...args)
    if (args[2].text === 'one' && lost-- > 0) throw away()
    return isChanged
  }
  const owner = startNode({ records: { change } })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.text('one')
  await untilSaved('one')
  call.text(' two')
  await untilSaved('one two')
  expect(call.signal.aborted).toBe(false)
  call.answer('')
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

test('a tool call that was streamed is in the next checkpoint, and stored when the node is lost', async () => {
  const { world, model, node, id, startNode, readActive } = stage
  let isLost = false
  const change: ReplyRecords['change'] = async (...args) => (isLost ? lostForever() : world.records.change(...args))
  const owner = startNode({ records: { change } }, { leaseMs: -5_000 })
  await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const call = await model.nextCall()
  call.toolCall(TOOL_CALL)
  await expect.poll(async () => (await readActive())?.parts).toEqual([TOOL_CALL])
  isLost = true
  const reply = await node.replies.find(OWNER, (await readActive())?.id ?? '')
  expect(reply?.outcome).toEqual({ type: 'INTERRUPTED', reason: 'NODE_LOST' })
  const [message] = await node.memory.findMessages(OWNER, [reply?.messageId ?? ''])
  expect(message?.parts).toEqual([TOOL_CALL])
})

test('a question whose promotion was answered to nobody runs all the same', async () => {
  const { world, model, id, startNode, readTexts } = stage
  let lost = 1
  const change: ReplyRecords['change'] = async (...args) => {
    const isChanged = await world.records.change(...args)
    if (args[1].phase === 'QUEUED' && args[2].phase === 'RUN' && lost-- > 0) throw away()
    return isChanged
  }
  const owner = startNode({ records: { change } })
  const first = await owner.replies.send(OWNER, questionOf(id, 'one'), never)
  const running = await model.nextCall()
  const second = collect(await owner.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never))
  running.answer('1')
  await collect(first)
  ;(await model.nextCall()).answer('2')
  expect((await second).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  expect(await readTexts()).toEqual(['one', '1', 'two', '2'])
})

test('a claim whose answer was lost is withdrawn, and the same question sent again is answered', async () => {
  const { world, model, id, startNode } = stage
  let lost = 1
  const insert: ReplyRecords['insert'] = async (record) => {
    const isInserted = await world.records.insert(record)
    if (lost-- > 0) throw away()
    return isInserted
  }
  const owner = startNode({ records: { insert } }, { leaseMs: 60_000 })
  const refused = await collect(await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never))
  expect(refused).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
  const again = collect(await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never))
  ;(await model.nextCall()).answer('Hi')
  expect((await again).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

test('a place in the queue whose answer was lost is given back, and the same question may wait again', async () => {
  const { world, model, id, startNode } = stage
  let lost = 1
  const insert: ReplyRecords['insert'] = async (record) => {
    const isInserted = await world.records.insert(record)
    if (record.phase === 'QUEUED' && lost-- > 0) throw away()
    return isInserted
  }
  const owner = startNode({ records: { insert } }, { leaseMs: 60_000 })
  await owner.replies.send(OWNER, questionOf(id, 'one'), never)
  const running = await model.nextCall()
  const queue = () => owner.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never)
  expect(await collect(await queue())).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
  await expect.poll(() => world.records.findQueued(OWNER, id, 10)).toEqual([])
  const again = collect(await queue())
  running.answer('1')
  ;(await model.nextCall()).answer('2')
  expect((await again).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
})

test('who joined a claim that was stopped before it ran, and is withdrawn, claims in its place', async () => {
  const { world, model, node, id, startNode } = stage
  const claim = await insertClaim({ phase: 'STOP', stop: 'SUPERSEDED' })
  const found = Promise.withResolvers<void>()
  const findByClientMessageId: ReplyRecords['findByClientMessageId'] = async (...args) => {
    const record = await world.records.findByClientMessageId(...args)
    setImmediate(found.resolve)
    return record
  }
  const joining = startNode({ records: { findByClientMessageId } })
  const joined = joining.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  await found.promise
  const following = collect(await node.replies.subscribe(OWNER, claim.id, null, never))
  await world.records.withdraw(claim.id)
  world.log.notify(claim.id)
  ;(await model.nextCall()).answer('Hi')
  expect((await collect(await joined)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  expect(await following).toMatchObject([{ type: 'ReplyRejected', code: 'NOT_FOUND' }])
})

test('a claim whose withdrawal was not answered either is withdrawn when the store is back', async () => {
  const { world, id, startNode } = stage
  let lost = 2
  const withdraw: ReplyRecords['withdraw'] = async (...args) => {
    if (lost-- > 0) throw away()
    return world.records.withdraw(...args)
  }
  const other = startNode({ records: { withdraw } }, { leaseMs: 60_000 })
  const refused = await collect(await other.replies.send('stranger', questionOf(id, 'Hello?'), never))
  expect(refused).toMatchObject([{ type: 'ReplyRejected', code: 'NOT_FOUND' }])
  await expect.poll(() => world.records.findActive('stranger', id)).toBeUndefined()
  expect(lost).toBe(-1)
})

test("a stranger's claim is neither in the owner's way nor seen by it, also under the same client id", async () => {
  const { model, node, id } = stage
  await insertClaim({ ownerId: 'stranger' })
  const stream = await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  ;(await model.nextCall()).answer('Hi')
  const events = await collect(stream)
  expect(events.at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  expect((await node.replies.findLastMany(OWNER, [id]))[0]?.id).toBe(events[0]?.replyId)
  expect(await node.replies.findActive(OWNER, id)).toBeUndefined()
})

test('a question to a conversation that cannot be read is refused with its name, and claims nothing', async () => {
  const { world, id, startNode, readActive } = stage
  const findConversations: History['findConversations'] = async (ownerId, ids) => {
    if (ids.includes(id)) throw new ConversationUnreadableError(id, 'branches')
    return world.history.findConversations(ownerId, ids)
  }
  const other = startNode({ history: { findConversations } })
  const refused = await collect(await other.replies.send(OWNER, questionOf(id, 'Hello?'), never))
  expect(refused).toMatchObject([{ type: 'ReplyRejected', code: 'CONVERSATION_UNREADABLE' }])
  expect(await readActive()).toBeUndefined()
})

test('a lease is counted from its claim: what took longer than it publishes nothing before a renewal', async () => {
  const { world, model, id, startNode } = stage
  const renewal = Promise.withResolvers<void>()
  let now = Date.now()
  const change: ReplyRecords['change'] = async (...args) => {
    if (args[2].leaseUntil !== undefined) await renewal.promise
    return world.records.change(...args)
  }
  const insert: ReplyRecords['insert'] = async (record) => {
    now += 60_000
    return world.records.insert(record)
  }
  const owner = startNode({ records: { change, insert }, now: () => now }, { leaseMs: 10_000 })
  const stream = await owner.replies.send(OWNER, questionOf(id, 'Hello?'), never)
  const events = stream[Symbol.asyncIterator]()
  const call = await model.nextCall()
  call.text('Hi')
  expect((await events.next()).value).toMatchObject({ type: 'ReplyStarted' })
  const delta = events.next()
  expect(await Promise.race([delta, quiet()])).toBe('nothing')
  renewal.resolve()
  expect((await delta).value).toMatchObject({ type: 'ReplyDelta', text: 'Hi' })
  call.answer('')
  await collect({ [Symbol.asyncIterator]: () => events })
})

/** The answer to a node that is lost. */
function lostForever(): Promise<never> {
  return new Promise(() => {})
}

/** Several turns of the event loop, in which whatever is ready is streamed. */
async function quiet(): Promise<string> {
  for (let count = 0; count < 20; count += 1) await new Promise(setImmediate)
  return 'nothing'
}

async function insertClaim(more: Partial<ReplyRecord>): Promise<ReplyRecord> {
  const { question, clientMessageId, maxTokens, anchor } = questionOf(stage.id, 'Hello?')
  const record: ReplyRecord = {
    id: createReplyId(stage.id),
    conversationId: stage.id,
    ownerId: OWNER,
    clientMessageId,
    ...(question && { question }),
    context: { maxTokens, anchor },
    phase: 'RUN',
    active: true,
    beat: 0,
    leaseUntil: Date.now() + 60_000,
    text: '',
    parts: [],
    model: '',
    startedAt: Date.now(),
    ...more,
  }
  expect(await stage.world.records.insert(record)).toBe(true)
  return record
}
