import { describe, expect, test, vi } from 'vitest'
import { ModelError } from '../../src/chat/model/chat-model.ts'
import type { Memory } from '../../src/memory/memory.ts'
import { graphql } from '../generated/gql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import {
  cancelReply,
  followReply,
  placeSent,
  questionInput,
  readReply,
  readSent,
  sendMessage,
  startReply,
} from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'

const activeReply = graphql(`
  query ActiveReply($id: ID!) {
    conversation(id: $id) { activeReply { id text } }
  }
`)

const replyEvents = graphql(`
  subscription ReplyEvents($id: ID!) {
    conversationEvents(conversationId: $id) {
      __typename
      ... on ReplyBegan { reply { id } }
      ... on ReplyEnded { reply { id status message { content } } }
    }
  }
`)

describe('a started reply', () => {
  test('is there while it runs and after, and streams to whoever subscribes', async () => {
    const { client, model, id, started } = await startChat()
    const reply = await started(questionInput(id, 'hello'))
    expect(reply).toMatchObject({ status: 'RUNNING', text: '', question: { content: 'hello' }, message: null })
    const call = await model.nextCall()
    call.text('so far')
    await expect
      .poll(async () => (await client.get(activeReply, { id })).conversation?.activeReply)
      .toEqual({ id: reply.id, text: 'so far' })
    const { reply: running } = await client.get(readReply, { id: reply.id })
    const rest = client.streamBySse(followReply, { id: reply.id, after: running?.cursor ?? null })
    call.text(', so good')
    expect((await rest.next()).value.data.reply).toMatchObject({ __typename: 'ReplyDelta', offset: 6 })
    call.finish()
    call.end()
    expect((await rest.next()).value.data.reply).toMatchObject({ __typename: 'ReplyCompleted' })
    const ended = await client.get(readReply, { id: reply.id })
    expect(ended.reply).toMatchObject({
      status: 'COMPLETED',
      text: 'so far, so good',
      message: { content: 'so far, so good' },
    })
    expect(ended.reply?.endedAt).toEqual(expect.any(String))
    expect(ended.node).toEqual({ __typename: 'Reply', id: reply.id })
    expect((await client.get(activeReply, { id })).conversation?.activeReply).toBeNull()
  })

  test('that has ended streams its end behind the cursor of its text', async () => {
    const { client, model, id, started } = await startChat()
    const { id: replyId } = await started(questionInput(id, 'hello'))
    const call = await model.nextCall()
    call.answer('done')
    await expect.poll(async () => (await client.get(readReply, { id: replyId })).reply?.status).toBe('COMPLETED')
    const { reply } = await client.get(readReply, { id: replyId })
    const events = []
    for await (const { data } of client.streamBySse(followReply, { id: replyId, after: reply?.cursor ?? null })) {
      events.push(data.reply.__typename)
    }
    expect(events).toEqual(['ReplyCompleted'])
  })

  test('is the same one for the same message', async () => {
    const { model, id, started } = await startChat()
    const input = questionInput(id, 'hello')
    const [one, two] = await Promise.all([started(input), started(input)])
    expect(one.id).toBe(two.id)
    expect(model.calls).toHaveLength(1)
  })

  test('is found by its conversation', async () => {
    const { client, model, id, started } = await startChat()
    const { id: replyId } = await started(questionInput(id, 'hello'))
    const call = await model.nextCall()
    call.answer('hi')
    const events = []
    for await (const { data } of client.streamBySocket(followReply, { conversationId: id })) events.push(data.reply)
    expect(events.map((event) => event.replyId)).toEqual(events.map(() => replyId))
    expect(placeSent(events)).toBe('hi')
  })

  test('begins and ends for all who follow the conversation', async () => {
    const subscribed = vi.fn<() => void>()
    const { client, model, id, started } = await startChat((memory) => ({
      async subscribe(...asked) {
        const events = await memory.subscribe(...asked)
        subscribed()
        return events
      },
    }))
    const seen: string[] = []
    const reading = (async () => {
      for await (const { data } of client.streamBySocket(replyEvents, { id })) {
        const event = data.conversationEvents
        if (event.__typename === 'ReplyBegan') seen.push(`${event.reply.id} began`)
        if (event.__typename !== 'ReplyEnded') continue
        seen.push(`${event.reply.id} ${event.reply.status} ${event.reply.message?.content}`)
        return
      }
    })()
    await expect.poll(() => subscribed).toHaveBeenCalled()
    const reply = await started(questionInput(id, 'hello'))
    const call = await model.nextCall()
    call.answer('hi')
    await reading
    expect(seen).toEqual([`${reply.id} began`, `${reply.id} COMPLETED hi`])
  })
})

describe('a busy conversation', () => {
  test('refuses another question, and says which reply is active', async () => {
    const { client, id, started } = await startChat()
    const { id: active } = await started(questionInput(id, 'one'))
    const refusal = { code: 'BUSY', activeReplyId: active, retryAfterMs: expect.any(Number) }
    const events = await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'two') }))
    expect(events).toMatchObject([{ __typename: 'ReplyRejected', replyId: null, ...refusal }])
    const { startReply: result } = await client.get(startReply, { input: questionInput(id, 'two') })
    expect(result).toMatchObject({ __typename: 'ReplyRejectedError', ...refusal })
  })

  test('gives way to a question that supersedes', async () => {
    const { client, model, id } = await startChat()
    const first = client.streamBySse(sendMessage, { input: questionInput(id, 'one') })
    await first.next()
    const call = await model.nextCall()
    call.text('half')
    await first.next()
    const second = readSent(
      client.streamBySse(sendMessage, { input: questionInput(id, 'two', { onBusy: 'SUPERSEDE' }) }),
    )
    expect((await first.next()).value.data.sendMessage).toMatchObject({
      __typename: 'ReplyInterrupted',
      reason: 'SUPERSEDED',
      partial: { content: 'half', status: 'INTERRUPTED' },
    })
    const next = await model.nextCall()
    next.answer('whole')
    const events = await second
    expect(events[0]).toMatchObject({
      __typename: 'ReplyStarted',
      context: { messages: [{ content: 'one' }, { content: 'half' }, { content: 'two' }] },
    })
    expect(events.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'whole' } })
  })

  test('lets questions wait in order, so many and no more', async () => {
    const { client, model, id, started } = await startChat()
    await started(questionInput(id, 'one'))
    const call = await model.nextCall()
    const queued = client.streamBySocket(sendMessage, { input: questionInput(id, 'two', { onBusy: 'QUEUE' }) })
    expect((await queued.next()).value.data.sendMessage).toMatchObject({ __typename: 'ReplyQueued', position: 1 })
    const third = await started(questionInput(id, 'three', { onBusy: 'QUEUE' }))
    expect(third).toMatchObject({ status: 'QUEUED', question: null })
    const full = await readSent(
      client.streamBySse(sendMessage, { input: questionInput(id, 'four', { onBusy: 'QUEUE' }) }),
    )
    expect(full).toMatchObject([{ __typename: 'ReplyRejected', code: 'QUEUE_FULL' }])
    call.answer('first')
    const second = await model.nextCall()
    expect((await queued.next()).value.data.sendMessage).toMatchObject({
      __typename: 'ReplyStarted',
      context: { messages: [{ content: 'one' }, { content: 'first' }, { content: 'two' }] },
    })
    second.answer('second')
    const last = await model.nextCall()
    last.answer('third')
    await expect.poll(async () => (await client.get(readReply, { id: third.id })).reply?.status).toBe('COMPLETED')
  })

  test('forgets a waiting question that is cancelled', async () => {
    const { client, model, id, started } = await startChat()
    await started(questionInput(id, 'one'))
    const call = await model.nextCall()
    const queued = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'two', { onBusy: 'QUEUE' }) }))
    const waiting = await started(questionInput(id, 'three', { onBusy: 'QUEUE' }))
    await client.get(cancelReply, { id: waiting.id })
    expect((await client.get(readReply, { id: waiting.id })).reply).toMatchObject({
      status: 'REJECTED',
      question: null,
    })
    call.answer('first')
    const second = await model.nextCall()
    second.answer('second')
    expect((await queued).at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'second' } })
    expect(model.calls).toHaveLength(2)
  })
})

test('a cancelled reply keeps what was written, and says so to all', async () => {
  const { client, model, id } = await startChat()
  const events = client.streamBySse(sendMessage, { input: questionInput(id, 'hello') })
  const { replyId } = (await events.next()).value.data.sendMessage
  const call = await model.nextCall()
  call.text('half')
  await events.next()
  const { cancelReply: result } = await client.get(cancelReply, { id: replyId ?? '' })
  expect(result).toMatchObject({ __typename: 'CancelReplySuccess', reply: { id: replyId } })
  expect((await events.next()).value.data.sendMessage).toMatchObject({
    __typename: 'ReplyInterrupted',
    reason: 'CANCELLED',
    partial: { content: 'half', status: 'INTERRUPTED' },
  })
  expect(call.signal.aborted).toBe(true)
  const again = await client.get(cancelReply, { id: replyId ?? '' })
  expect(again.cancelReply).toMatchObject({ reply: { status: 'INTERRUPTED' } })
})

test('a model that fails is a failure in the stream, with what was written', async () => {
  const { client, model, id } = await startChat()
  const events = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'hello') }))
  const call = await model.nextCall()
  call.text('half')
  call.fail(new ModelError('MODEL_STREAM_BROKEN', 'It broke off.', { retryable: true }))
  expect((await events).at(-1)).toMatchObject({
    __typename: 'ReplyFailed',
    code: 'MODEL_STREAM_BROKEN',
    detail: 'It broke off.',
    retryable: true,
    partial: { content: 'half', status: 'FAILED' },
  })
})

test.each(['rep_00000000000000000000000000_00000000000000000000000000', 'rep_x', '', 'conv_x'])(
  'there is no reply %j',
  async (id) => {
    const { client } = await startChat()
    expect(await client.get(readReply, { id })).toEqual({ reply: null, node: null })
    const cancelled = await client.get(cancelReply, { id })
    expect(cancelled.cancelReply).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
    const [event] = await readFollowed(client.streamBySse(followReply, { id }))
    expect(event).toMatchObject({ __typename: 'ReplyRejected', code: 'NOT_FOUND', replyId: null })
  },
)

test.each([
  ['both ids', { id: 'rep_x', conversationId: 'conv_x' }, 'BAD_USER_INPUT'],
  ['no id', {}, 'BAD_USER_INPUT'],
  ['an unknown conversation', { conversationId: 'conv_x' }, 'NOT_FOUND'],
])('following %s is rejected in the stream', async (_, variables, code) => {
  const { client } = await startChat()
  expect(await readFollowed(client.streamBySocket(followReply, variables))).toMatchObject([
    { __typename: 'ReplyRejected', code },
  ])
})

test.each([
  ['empty', ''],
  ['garbage', 'garbage'],
  ['long', 'x'.repeat(10_000)],
])('a cursor that is %s is rejected in the stream', async (_, after) => {
  const { client, id, started } = await startChat()
  const reply = await started(questionInput(id, 'hello'))
  expect(await readFollowed(client.streamBySse(followReply, { id: reply.id, after }))).toMatchObject([
    { __typename: 'ReplyRejected', code: 'BAD_USER_INPUT', detail: expect.stringContaining('after') },
  ])
})

test('a message that breaks a limit is an error of startReply', async () => {
  const { client, id } = await startChat()
  const bad = await client.get(startReply, { input: questionInput(id, 'hello', { maxReplyTokens: 0 }) })
  expect(bad.startReply).toMatchObject({ __typename: 'InvalidInputError', field: 'maxReplyTokens' })
  const unknown = await client.get(startReply, { input: questionInput('conv_x', 'hello') })
  expect(unknown.startReply).toMatchObject({ __typename: 'NotFoundError' })
})

async function readFollowed(stream: AsyncIterable<{ data: { reply: { __typename: string } } }>) {
  const events = []
  for await (const { data } of stream) events.push(data.reply)
  return events
}

const lastReplies = graphql(`
  query LastReplies {
    conversations(first: 10) { nodes { id lastReply { text message { content } } } }
  }
`)

test('a reply whose conversation is deleted while it is read says nothing, and takes nothing else along', async () => {
  const model = createScriptedModel()
  const { client, history } = await startTestServer(undefined, { model })
  const [kept, deleted] = [await startConversation(client), await startConversation(client)]
  for (const id of [kept, deleted]) {
    const events = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'hello') }))
    ;(await model.nextCall()).answer('said')
    await events
  }
  history.before = async (operation) => {
    if (operation === 'findMessages') await history.markDeleted('local', deleted, Date.now())
  }
  expect((await client.get(lastReplies, {})).conversations.nodes).toEqual([
    { id: deleted, lastReply: { text: '', message: null } },
    { id: kept, lastReply: { text: 'said', message: { content: 'said' } } },
  ])
})

async function startChat(change?: (memory: Memory) => Partial<Memory>) {
  const model = createScriptedModel()
  const { client } = await startTestServer(change, { model })
  const id = await startConversation(client)
  const started = async (input: ReturnType<typeof questionInput>) => {
    const { startReply: result } = await client.get(startReply, { input })
    if (result.__typename !== 'StartReplySuccess') throw new Error(JSON.stringify(result))
    return result.reply
  }
  return { client, model, id, started }
}
