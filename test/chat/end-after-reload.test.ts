import { describe, expect, test, vi } from 'vitest'
import { createChat } from '../../src/chat/chat.ts'
import { createSharedRead } from '../../src/chat/follow/shared-read.ts'
import { ModelError } from '../../src/chat/model/chat-model.ts'
import { NotFoundError } from '../../src/errors.ts'
import { graphql } from '../generated/gql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { collect, never, OWNER, placeDeltas, questionOf } from '../support/reply-node.ts'
import { questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { useReplyStage } from '../support/reply-stage.ts'
import { REPLY_STORES } from '../support/reply-world.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

const TOOL_CALL = { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{}' } as const

const reload = graphql(`
  query ReloadConversation($id: ID!) {
    conversation(id: $id) {
      lastReply {
        id status text cursor
        question { content reply { id } }
        message { content reply { id } }
        error { code detail retryable retryAfterMs }
      }
    }
  }
`)

test('after a reload a conversation leads to its last reply, its messages to theirs, and a failure to its error', async () => {
  const { nodes, model } = await startWireNodes()
  const [{ client }, other] = nodes
  const id = await startConversation(client)
  const read = async () => (await other.client.get(reload, { id })).conversation?.lastReply
  expect(await read()).toBeNull()
  const first = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'one') }))
  ;(await model.nextCall()).answer('1 👩‍🚀')
  const ending = (await first).at(-1)
  const completed = await read()
  expect(completed).toMatchObject({ id: ending?.replyId, status: 'COMPLETED', text: '1 👩‍🚀', error: null })
  expect(completed?.question).toEqual({ content: 'one', reply: { id: ending?.replyId } })
  expect(completed?.message).toEqual({ content: '1 👩‍🚀', reply: { id: ending?.replyId } })
  const second = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'two') }))
  const limits = { retryable: true, retryAfterMs: 120_000 }
  ;(await model.nextCall()).fail(new ModelError('MODEL_RATE_LIMITED', 'Too many requests.', limits))
  const error = { code: 'MODEL_RATE_LIMITED', detail: 'Too many requests.', ...limits }
  expect((await second).at(-1)).toMatchObject({ __typename: 'ReplyFailed', ...error })
  expect(await read()).toMatchObject({ status: 'FAILED', text: '', message: null, error })
})

describe.each(REPLY_STORES)('an ended reply on $store', ({ openWorld }) => {
  const stage = useReplyStage(openWorld)

  test('an ended reply keeps no text a second time, and streams all of it to who comes late', async () => {
    const { world, id, startNode } = stage
    const reply = await answerAll(questionOf(id, 'Hello?'))
    const stored = await world.records.find(OWNER, reply?.id ?? '')
    expect(stored).toMatchObject({ phase: 'ENDED', text: '', parts: [] })
    expect(stored?.question).toBeUndefined()
    const late = await collect(await startNode().replies.subscribe(OWNER, reply?.id ?? '', null, never))
    expect(late.map(({ type }) => type)).toEqual(['ReplyStarted', 'ReplyDelta', 'ReplyPart', 'ReplyCompleted'])
    expect(placeDeltas(late)).toBe('Hi')
    expect(late.at(-1)).toMatchObject({ message: { parts: [{ type: 'text', text: 'Hi' }, TOOL_CALL] } })
  })

  test('after the end the same id with other content is a conflict still, and after a redaction no more', async () => {
    const { world, node, id } = stage
    const reply = await answerAll(questionOf(id, 'Hello?'))
    const send = async (text: string) =>
      collect(await node.replies.send(OWNER, questionOf(id, text, { id: 'Hello?' }), never))
    expect(await send('Other?')).toMatchObject([{ code: 'CLIENT_MESSAGE_ID_CONFLICT' }])
    expect((await send('Hello?')).at(-1)).toMatchObject({ type: 'ReplyCompleted', replyId: reply?.id })
    await node.memory.redactMessage(OWNER, reply?.questionId ?? '')
    expect((await world.records.find(OWNER, reply?.id ?? ''))?.questionDigest).toBeUndefined()
    expect((await send('Hello?')).at(-1)).toMatchObject({ type: 'ReplyCompleted', replyId: reply?.id })
  })

  test('with CANCEL a reply that ends by itself costs no further read of its record', async () => {
    const { world, model, id, startNode } = stage
    const find = vi.fn(world.records.find)
    const node = startNode({ records: { find } })
    const client = new AbortController()
    const stream = await node.replies.send(OWNER, questionOf(id, 'Hi?', { onDisconnect: 'CANCEL' }), client.signal)
    ;(await model.nextCall()).answer('Hi')
    expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
    find.mockClear()
    // As the transport does at the end of every stream.
    client.abort()
    await new Promise(setImmediate)
    expect(find).not.toHaveBeenCalled()
  })

  test('those who come late at once share what they read again, and see what was redacted before', async () => {
    const { world, model, id, startNode } = stage
    const findMessages = vi.fn(world.history.findMessages)
    const node = startNode({ history: { findMessages } })
    const first = collect(await node.replies.send(OWNER, questionOf(id, 'secret'), never))
    const call = await model.nextCall()
    call.text('Hi')
    await expect.poll(async () => (await node.replies.findActive(OWNER, id))?.questionId).toBeDefined()
    const active = await node.replies.findActive(OWNER, id)
    findMessages.mockClear()
    const come = () => Array.from({ length: 50 }, () => node.replies.subscribe(OWNER, active?.id ?? '', null, never))
    const streams = await Promise.all(come())
    expect(findMessages).toHaveBeenCalled()
    expect(findMessages.mock.calls.length).toBeLessThan(streams.length / 5)
    await node.memory.redactMessage(OWNER, active?.questionId ?? '')
    const after = await node.replies.subscribe(OWNER, active?.id ?? '', null, never)
    call.answer('')
    expect((await collect(after))[0]).toMatchObject({ question: { status: 'REDACTED' } })
    await Promise.all([first, ...streams.map(collect)])
  })

  test('a question to a conversation that is not there is refused with the error that says so', async () => {
    const { id, startNode } = stage
    const { replies, memory } = startNode()
    const limits = { maxContextTokens: 10_000, maxMessageBytes: 10_000 }
    const chat = createChat({ replies, memory, now: Date.now }, limits)
    const missing = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
    const { conversationId: _, question: __, ...request } = questionOf(missing, 'Hello?')
    const started = chat.start(OWNER, { ...request, conversationId: missing, content: 'Hello?' })
    await expect(started).rejects.toEqual(new NotFoundError('conversation', missing))
  })

  async function answerAll(input: ReturnType<typeof questionOf>) {
    const { world, model, node } = stage
    const stream = await node.replies.send(OWNER, input, never)
    const call = await model.nextCall()
    call.text('Hi')
    call.toolCall(TOOL_CALL)
    call.answer('')
    const ending = (await collect(stream)).at(-1)
    return world.records.find(OWNER, ending?.replyId ?? '')
  }
})

test('a shared read is never one that was sent before its caller came', async () => {
  const sent: ((value: number) => void)[] = []
  const read = createSharedRead(() => new Promise<number>((resolve) => sent.push(resolve)))
  const first = read()
  await expect.poll(() => sent.length).toBe(1)
  const others = [read(), read()]
  sent[0]?.(1)
  expect(await first).toBe(1)
  await expect.poll(() => sent.length).toBe(2)
  sent[1]?.(2)
  expect(await Promise.all(others)).toEqual([2, 2])
})
