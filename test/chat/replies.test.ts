import { beforeEach, describe, expect, test } from 'vitest'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import { NotFoundError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import { createConversationId } from '../../src/memory/ids.ts'
import { collect, never, OWNER, placeDeltas, questionOf, type ReplyNode } from '../support/reply-node.ts'
import { useReplyStage, userSays } from '../support/reply-stage.ts'
import { REPLY_STORES } from '../support/reply-world.ts'

/** What a node that dies once it has claimed asks of its records. */
const DEAF = { change: () => new Promise<never>(() => {}) }

describe.each(REPLY_STORES)('replies on $store', ({ openWorld }) => {
  const stage = useReplyStage(openWorld, { instructions: 'Be brief.' })
  let a: ReplyNode
  let b: ReplyNode

  beforeEach(() => {
    a = stage.node
    b = stage.startNode()
  })

  test('streams what the model says, stores it once, and gives it to the next prompt', async () => {
    const { model, id, readTexts } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'Hello?'), never)
    const call = await model.nextCall()
    expect(call.request.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello?' },
    ])
    call.answer('Good day 👋')
    const events = await collect(stream)
    expect(placeDeltas(events)).toBe('Good day 👋')
    expect(typesOf(events)).toEqual(['ReplyStarted', 'ReplyDelta', 'ReplyCompleted'])
    const second = await b.replies.send(OWNER, questionOf(id, 'And?'), never)
    const next = await model.nextCall()
    expect(next.request.messages.slice(1)).toEqual([
      { role: 'user', content: 'Hello?' },
      { role: 'assistant', content: 'Good day 👋' },
      { role: 'user', content: 'And?' },
    ])
    next.answer('.')
    await collect(second)
    expect(await readTexts()).toEqual(['Hello?', 'Good day 👋', 'And?', '.'])
  })

  test('gives no instructions that are blank', async () => {
    const { model } = stage
    const { conversation } = await a.memory.createConversation(OWNER, { instructions: ' \n' }, 'FAIL')
    const stream = await a.replies.send(OWNER, questionOf(conversation.id, 'Hello?'), never)
    const call = await model.nextCall()
    expect(call.request.messages).toEqual([{ role: 'user', content: 'Hello?' }])
    call.answer('Hi')
    await collect(stream)
  })

  test('says with the start what the model was given, the question included', async () => {
    const { model, id } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'Hello?'), never)
    ;(await model.nextCall()).answer('Hi')
    const [start] = await collect(stream)
    expect(start).toMatchObject({ type: 'ReplyStarted', model: 'scripted', question: { sequence: 1 } })
    expect(start).toMatchObject({ context: { messages: [{ sequence: 1 }], omittedCount: 0, cut: 'NONE' } })
  })

  test('records the usage of the provider, and an estimate where it gives none', async () => {
    const { model, id } = stage
    const first = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    const call = await model.nextCall()
    call.usage({ promptTokens: 100, completionTokens: 7, estimated: false })
    call.answer('1')
    expect(endOf(await collect(first))).toMatchObject({ message: { usage: { promptTokens: 100, estimated: false } } })
    const second = await a.replies.send(OWNER, questionOf(id, 'two'), never)
    ;(await model.nextCall()).answer('2')
    const end = endOf(await collect(second))
    expect(end).toMatchObject({ message: { usage: { completionTokens: 1, estimated: true } } })
  })

  test('emits nothing before the question is stored', async () => {
    const { world, model, id, startNode } = stage
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const insertMessages: History['insertMessages'] = async (...args) => {
      await held
      return world.history.insertMessages(...args)
    }
    const node = startNode({ history: { insertMessages } })
    const stream = await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
    const events = stream[Symbol.asyncIterator]()
    const first = events.next()
    ;(await model.nextCall()).answer('Hi')
    const early = await Promise.race([first, new Promise((resolve) => setImmediate(resolve, 'nothing'))])
    expect(early).toBe('nothing')
    release()
    expect((await first).value).toMatchObject({ type: 'ReplyStarted' })
  })

  test('calls the model anew when something came between its context and the question', async () => {
    const { world, model, id, startNode, readTexts } = stage
    let isFirst = true
    const insertMessages: History['insertMessages'] = async (...args) => {
      if (isFirst) {
        isFirst = false
        await b.memory.appendMessages(OWNER, id, [userSays('Between')])
      }
      return world.history.insertMessages(...args)
    }
    const node = startNode({ history: { insertMessages } })
    const stream = await node.replies.send(OWNER, questionOf(id, 'Hello?'), never)
    const old = await model.nextCall()
    old.text('stale')
    const call = await model.nextCall()
    expect(old.signal.aborted).toBe(true)
    expect(call.request.messages.slice(1)).toEqual([
      { role: 'user', content: 'Between' },
      { role: 'user', content: 'Hello?' },
    ])
    call.answer('Fresh')
    expect(placeDeltas(await collect(stream))).toBe('Fresh')
    expect(await readTexts()).toEqual(['Between', 'Hello?', 'Fresh'])
  })

  test('sent 50 times at once from two nodes is one question, one model call and 50 equal streams', async () => {
    const { model, id, readTexts } = stage
    const sends = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? a : b).replies.send(OWNER, questionOf(id, 'Once'), never).then(collect),
    )
    ;(await model.nextCall()).answer('One answer')
    const streams = await Promise.all(sends)
    expect(streams.map((events) => placeDeltas(events))).toEqual(Array(50).fill('One answer'))
    expect(new Set(streams.map((events) => endOf(events).type))).toEqual(new Set(['ReplyCompleted']))
    expect(model.calls).toHaveLength(1)
    expect(await readTexts()).toEqual(['Once', 'One answer'])
  })

  test('refuses the same clientMessageId with other content', async () => {
    const { model, id } = stage
    const first = await a.replies.send(OWNER, questionOf(id, 'one', { id: 'same' }), never)
    ;(await model.nextCall()).answer('1')
    await collect(first)
    const second = await collect(await b.replies.send(OWNER, questionOf(id, 'other', { id: 'same' }), never))
    expect(second).toMatchObject([{ type: 'ReplyRejected', code: 'CLIENT_MESSAGE_ID_CONFLICT', replyId: null }])
  })

  test('refuses a conversation that is missing or foreign alike, and leaves no claim', async () => {
    const { world, id } = stage
    for (const conversationId of [id, createConversationId()]) {
      const events = await collect(await a.replies.send('stranger', questionOf(conversationId, 'Hello?'), never))
      const detail = new NotFoundError('conversation', conversationId).message
      expect(events).toMatchObject([{ type: 'ReplyRejected', code: 'NOT_FOUND', detail, replyId: null }])
      expect(await world.records.findIds(conversationId, 10)).toEqual([])
    }
  })

  test('refuses a question that is larger than its budget', async () => {
    const { id, readTexts } = stage
    const events = await collect(await a.replies.send(OWNER, questionOf(id, 'a b c d e f', { maxTokens: 5 }), never))
    expect(endOf(events)).toMatchObject({ type: 'ReplyRejected', code: 'BAD_USER_INPUT' })
    expect(await readTexts()).toEqual([])
  })

  test('while busy: REJECT names the active reply', async () => {
    const { model, id } = stage
    await a.replies.send(OWNER, questionOf(id, 'one'), never)
    ;(await model.nextCall()).text('1')
    const active = await a.replies.findActive(OWNER, id)
    const events = await collect(await b.replies.send(OWNER, questionOf(id, 'two'), never))
    expect(events).toMatchObject([{ type: 'ReplyRejected', code: 'BUSY', activeReplyId: active?.id }])
  })

  test('while busy: SUPERSEDE stops the active one, on whichever node, and goes on', async () => {
    const { model, id, readTexts } = stage
    const first = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    ;(await model.nextCall()).text('partial')
    const second = b.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'SUPERSEDE' }), never)
    expect(endOf(await collect(first))).toMatchObject({ type: 'ReplyInterrupted', reason: 'SUPERSEDED' })
    ;(await model.nextCall()).answer('2')
    expect(placeDeltas(await collect(await second))).toBe('2')
    expect(await readTexts()).toEqual(['one', 'partial', 'two', '2'])
  })

  test('while busy: QUEUE waits in line, in order, on any node, and no more than the limit', async () => {
    const { model, id, readTexts } = stage
    await a.replies.send(OWNER, questionOf(id, 'q0'), never)
    const running = await model.nextCall()
    const queued = []
    for (const [index, node] of [a, b, a, b].entries()) {
      const input = questionOf(id, `q${index + 1}`, { onBusy: 'QUEUE' })
      queued.push(collect(await node.replies.send(OWNER, input, never)))
    }
    const full = await collect(await a.replies.send(OWNER, questionOf(id, 'q5', { onBusy: 'QUEUE' }), never))
    expect(full).toMatchObject([{ type: 'ReplyRejected', code: 'QUEUE_FULL' }])
    running.answer('a0')
    for (const index of [1, 2, 3, 4]) (await model.nextCall()).answer(`a${index}`)
    for (const events of await Promise.all(queued)) {
      expect(events[0]).toMatchObject({ type: 'ReplyQueued' })
      expect(endOf(events).type).toBe('ReplyCompleted')
    }
    expect(await readTexts()).toEqual(['q0', 'a0', 'q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'q4', 'a4'])
  })

  test('while others wait nobody passes them, and the dead among them hold no place', async () => {
    const { world, model, id, startNode, readTexts } = stage
    await a.replies.send(OWNER, questionOf(id, 'q0'), never)
    const running = await model.nextCall()
    const first = collect(await a.replies.send(OWNER, questionOf(id, 'q1', { onBusy: 'QUEUE' }), never))
    const lost = startNode({ records: DEAF }, { leaseMs: -5_000 })
    await lost.replies.send(OWNER, questionOf(id, 'lost', { onBusy: 'QUEUE' }), never)
    running.answer('a0')
    const second = collect(await b.replies.send(OWNER, questionOf(id, 'q2', { onBusy: 'QUEUE' }), never))
    ;(await model.nextCall()).answer('a1')
    ;(await model.nextCall()).answer('a2')
    await Promise.all([first, second])
    expect(await readTexts()).toEqual(['q0', 'a0', 'q1', 'a1', 'q2', 'a2'])
    expect(await world.records.findQueued(OWNER, id, 10)).toEqual([])
  })

  test('is cancelled from another node, and what was said is kept', async () => {
    const { model, id, readActive, readTexts } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    const call = await model.nextCall()
    call.text('So far')
    const active = await readActive()
    await b.replies.cancel(OWNER, active?.id ?? '')
    const end = endOf(await collect(stream))
    expect(end).toMatchObject({ type: 'ReplyInterrupted', reason: 'CANCELLED', partial: { status: 'INTERRUPTED' } })
    expect(call.signal.aborted).toBe(true)
    expect(await readTexts()).toEqual(['one', 'So far'])
  })

  test('with CANCEL stops the model when its subscriber goes away; with CONTINUE finishes without it', async () => {
    const { model, id, readTexts } = stage
    for (const onDisconnect of ['CANCEL', 'CONTINUE'] as const) {
      const client = new AbortController()
      const stream = await a.replies.send(OWNER, questionOf(id, onDisconnect, { onDisconnect }), client.signal)
      const events = stream[Symbol.asyncIterator]()
      const call = await model.nextCall()
      call.text('so far')
      expect((await events.next()).value).toMatchObject({ type: 'ReplyStarted' })
      client.abort()
      expect((await events.next()).done).toBe(true)
      if (onDisconnect === 'CONTINUE') call.answer(', finished')
      await expect.poll(() => a.replies.findActive(OWNER, id)).toBeUndefined()
      expect(call.signal.aborted).toBe(onDisconnect === 'CANCEL')
    }
    expect(await readTexts()).toEqual(['CANCEL', 'so far', 'CONTINUE', 'so far, finished'])
  })

  test('resumes after any cursor with exactly the rest, on both nodes, during it and after its end', async () => {
    const { model, id } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    const call = await model.nextCall()
    const seen: ReplyEvent[] = []
    const live = (async () => {
      for await (const event of stream) seen.push(event)
    })()
    for (const text of ['Grüße ', '👩‍👩‍👧 ', 'e\u0301 ', 'end']) {
      call.text(text)
      await expect.poll(() => placeDeltas(seen)).toContain(text)
    }
    const replyId = seen[0]?.replyId ?? ''
    const whole = placeDeltas(seen)
    const resumedBefore = seen.map((event) => resume(b, replyId, event.cursor))
    call.answer('')
    await live
    for (const [index, resumed] of resumedBefore.entries()) {
      expect(placeDeltas(await resumed, placeDeltas(seen.slice(0, index + 1)))).toBe(whole)
      expect(endOf(await resumed).type).toBe('ReplyCompleted')
    }
    for (const node of [a, b]) {
      for (const [index, event] of seen.entries()) {
        const rest = await resume(node, replyId, event.cursor)
        expect(placeDeltas(rest, placeDeltas(seen.slice(0, index + 1)))).toBe(whole)
        // What had been sent before the cursor is not sent again; behind the end there is nothing.
        expect(rest.filter(({ cursor }) => seen.slice(0, index + 1).some((sent) => sent.cursor === cursor))).toEqual([])
        expect(rest.length === 0).toBe(index === seen.length - 1)
      }
    }
  })

  test('that its node lost ends INTERRUPTED with the last checkpoint, on the next look-up', async () => {
    const { model, id, startNode, readActive, readTexts } = stage
    // A node that dies: it neither checkpoints nor ends, and its lease is short.
    const dying = startNode({ records: DEAF }, { leaseMs: 1 })
    await dying.replies.send(OWNER, questionOf(id, 'one'), never)
    ;(await model.nextCall()).text('never saved')
    const active = await readActive()
    const events = await collect(await b.replies.subscribe(OWNER, active?.id ?? '', null, never))
    expect(endOf(events)).toMatchObject({ type: 'ReplyInterrupted', reason: 'NODE_LOST' })
    expect(await readTexts()).toEqual(['one'])
    expect(await b.replies.findActive(OWNER, id)).toBeUndefined()
  })

  test('ends with SHUTDOWN when its node stops, and new ones are refused there', async () => {
    const { model, id, readTexts } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    ;(await model.nextCall()).text('So far')
    const events = collect(stream)
    await a.replies.stop(200)
    expect(endOf(await events)).toMatchObject({ type: 'ReplyInterrupted', reason: 'SHUTDOWN' })
    const refused = await collect(await a.replies.send(OWNER, questionOf(id, 'two'), never))
    expect(refused).toMatchObject([{ type: 'ReplyRejected', code: 'SHUTTING_DOWN' }])
    expect(await readTexts()).toEqual(['one', 'So far'])
  })

  test('fails with the code of the model, and keeps what it said', async () => {
    const { model, id, readTexts } = stage
    const stream = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    const call = await model.nextCall()
    call.text('Half')
    call.end()
    expect(endOf(await collect(stream))).toMatchObject({
      type: 'ReplyFailed',
      code: 'MODEL_STREAM_BROKEN',
      partial: { status: 'FAILED' },
    })
    expect(await readTexts()).toEqual(['one', 'Half'])
  })

  test('gives tool calls as whole parts after the text, stored with it', async () => {
    const { model, id } = stage
    const part = { type: 'toolCall' as const, toolCallId: 'call-1', toolName: 'find', arguments: '{"a":1}' }
    const stream = await a.replies.send(OWNER, questionOf(id, 'one'), never)
    const call = await model.nextCall()
    call.text('Let me see.')
    call.toolCall(part)
    call.finish('TOOL_CALLS')
    call.end()
    const events = await collect(stream)
    expect(events.find(({ type }) => type === 'ReplyPart')).toMatchObject({ partIndex: 1, part })
    expect(endOf(events)).toMatchObject({ message: { finishReason: 'TOOL_CALLS', parts: [{ type: 'text' }, part] } })
  })
})

async function resume(node: ReplyNode, replyId: string, cursor: string): Promise<ReplyEvent[]> {
  return collect(await node.replies.subscribe(OWNER, replyId, cursor, never))
}

function typesOf(events: readonly ReplyEvent[]): string[] {
  return events.map(({ type }) => type)
}

function endOf(events: readonly ReplyEvent[]): ReplyEvent {
  const end = events.at(-1)
  if (end === undefined) throw new Error('A stream without events')
  return end
}
