import { describe, expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import type { SendMessageInput } from '../generated/graphql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { followReply, placeSent, questionInput, readReply, readSent, sendMessage } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const lastMessages = graphql(`
  query LastMessages($id: ID!) {
    conversation(id: $id) { messages(last: 10) { nodes { role content status clientMessageId } } }
  }
`)

const send = {
  SSE: ({ client }: TestServer, input: SendMessageInput) => client.streamBySse(sendMessage, { input }),
  WebSocket: ({ client }: TestServer, input: SendMessageInput) => client.streamBySocket(sendMessage, { input }),
}

const follow = {
  SSE: ({ client }: TestServer, id: string, after: string | null) => client.streamBySse(followReply, { id, after }),
  WebSocket: ({ client }: TestServer, id: string, after: string | null) =>
    client.streamBySocket(followReply, { id, after }),
}

describe.each(['SSE', 'WebSocket'] as const)('a message sent by %s', (transport) => {
  test('is answered as the model writes, and the placed text is what is stored', async () => {
    const { server, model, id } = await startChat()
    const events = send[transport](server, questionInput(id, 'hello'))
    const started = events.next()
    const call = await model.nextCall()
    expect((await started).value.data.sendMessage).toMatchObject({
      __typename: 'ReplyStarted',
      question: { content: 'hello', role: 'USER' },
      context: { messages: [{ content: 'hello' }] },
      model: 'scripted',
    })
    const texts = ['Grüße, ', '👩‍🚀 ', 'bye']
    let placed = ''
    for (const text of texts) {
      call.text(text)
      const delta = (await events.next()).value.data.sendMessage
      expect(delta).toMatchObject({ __typename: 'ReplyDelta', offset: placed.length, text })
      placed = placeSent([delta], placed)
    }
    call.finish()
    call.end()
    const end = (await events.next()).value.data.sendMessage
    const message = { content: placed, status: 'COMPLETE', finishReason: 'STOP' }
    expect(end).toMatchObject({ __typename: 'ReplyCompleted', message })
    expect(await events.next()).toMatchObject({ done: true })
    const stored = await server.client.get(lastMessages, { id })
    expect(stored.conversation?.messages.nodes.map(({ content }) => content)).toEqual(['hello', texts.join('')])
  })

  test('goes on behind every cursor, while it is written and after', async () => {
    const { server, model, id } = await startChat()
    const events = send[transport](server, questionInput(id, 'hello'))
    const started = events.next()
    const call = await model.nextCall()
    const { cursor, replyId } = (await started).value.data.sendMessage
    call.text('one ')
    const seen = (await events.next()).value.data.sendMessage
    await events.return()
    call.text('two ')
    const resumed = follow[transport](server, replyId ?? '', seen.cursor)
    expect((await resumed.next()).value.data.reply).toMatchObject({ __typename: 'ReplyDelta', offset: 4, text: 'two ' })
    call.text('three')
    call.finish()
    call.end()
    const rest = []
    for await (const { data } of resumed) rest.push(data.reply)
    expect(placeSent(rest, 'one two ')).toBe('one two three')
    expect(rest.at(-1)?.__typename).toBe('ReplyCompleted')
    const again = []
    for await (const { data } of follow[transport](server, replyId ?? '', cursor)) again.push(data.reply)
    expect(placeSent(again)).toBe('one two three')
    const ended = []
    for await (const { data } of follow[transport](server, replyId ?? '', rest.at(-1)?.cursor ?? '')) {
      ended.push(data.reply)
    }
    expect(ended).toEqual([])
  })

  test('stops the model at once when its sender leaves and wants that', async () => {
    const { server, model, id } = await startChat()
    const events = send[transport](server, questionInput(id, 'hello', { onDisconnect: 'CANCEL' }))
    const started = events.next()
    const call = await model.nextCall()
    const replyId = (await started).value.data.sendMessage.replyId ?? ''
    call.text('half')
    await events.next()
    await events.return()
    await expect.poll(() => call.signal.aborted).toBe(true)
    await expect
      .poll(async () => (await server.client.get(readReply, { id: replyId })).reply)
      .toMatchObject({ status: 'INTERRUPTED', message: { content: 'half', status: 'INTERRUPTED' } })
  })

  test('is answered to the end when its sender leaves', async () => {
    const { server, model, id } = await startChat()
    const events = send[transport](server, questionInput(id, 'hello'))
    const started = events.next()
    const call = await model.nextCall()
    const replyId = (await started).value.data.sendMessage.replyId ?? ''
    await events.return()
    call.answer('whole')
    await expect
      .poll(async () => (await server.client.get(readReply, { id: replyId })).reply)
      .toMatchObject({ status: 'COMPLETED', text: 'whole', message: { content: 'whole' } })
  })

  test('joins its reply from the beginning when it is sent again, and is stored once', async () => {
    const { server, model, id } = await startChat()
    const input = questionInput(id, 'hello')
    const first = send[transport](server, input)
    const started = first.next()
    const call = await model.nextCall()
    const { replyId } = (await started).value.data.sendMessage
    call.text('one ')
    await first.next()
    const second = send[transport](server, input)
    const joined = (await second.next()).value.data.sendMessage
    expect(joined).toMatchObject({ __typename: 'ReplyStarted', replyId })
    call.text('two')
    call.finish()
    call.end()
    const rest = await readSent(second)
    expect(placeSent(rest)).toBe('one two')
    const third = await readSent(send[transport](server, input))
    expect(third.map(({ __typename }) => __typename)).toEqual(['ReplyStarted', 'ReplyDelta', 'ReplyCompleted'])
    expect(model.calls).toHaveLength(1)
    const stored = await server.client.get(lastMessages, { id })
    expect(stored.conversation?.messages.nodes).toMatchObject([{ content: 'hello' }, { content: 'one two' }])
  })

  test('is kept alive by heartbeats while the model thinks', async () => {
    const { server, id } = await startChat({ heartbeatMs: 20 })
    const events = send[transport](server, questionInput(id, 'hello'))
    await events.next()
    const beat = (await events.next()).value.data.sendMessage
    expect(beat.__typename).toBe('ReplyHeartbeat')
    await events.return()
  })

  test.each<[string, string, Partial<SendMessageInput>]>([
    ['content', 'without any content', { content: null }],
    ['content', 'with content and parts', { parts: [{ text: { text: 'x' } }] }],
    ['parts', 'without parts', { content: null, parts: [] }],
    ['content', 'with too much content', { content: 'x'.repeat(1_048_577) }],
    ['conversationId', 'with two ids', { externalId: 'x' }],
    ['conversationId', 'with no id', { conversationId: null }],
    ['clientMessageId', 'with an empty client id', { clientMessageId: '' }],
    ['author', 'with an empty author', { author: '' }],
    ['metadata.a', 'with metadata that is not flat', { metadata: { a: {} } }],
    ['model', 'with an empty model', { model: '' }],
    ['maxContextTokens', 'with no budget', { maxContextTokens: 0 }],
    ['maxContextTokens', 'with too small a budget', { maxContextTokens: 3 }],
    ['anchor', 'with too large an anchor', { anchor: 0.6 }],
    ['maxReplyTokens', 'with no tokens for the reply', { maxReplyTokens: 0 }],
    ['modelOptions', 'with options that set the model', { modelOptions: { model: 'other' } }],
    ['modelOptions', 'with a list of options', { modelOptions: [] }],
  ])('is rejected in the stream for its %s: %s', async (field, _, change) => {
    const { server, model, id } = await startChat()
    const events = await readSent(send[transport](server, questionInput(id, 'hello', change)))
    expect(events).toMatchObject([
      { __typename: 'ReplyRejected', code: 'BAD_USER_INPUT', detail: expect.stringContaining(field) },
    ])
    expect(model.calls.every(({ signal }) => signal.aborted)).toBe(true)
    const stored = await server.client.get(lastMessages, { id })
    expect(stored.conversation?.messages.nodes).toEqual([])
  })

  test.each(['conv_00000000000000000000000000', 'garbage'])(
    'to the unknown conversation %s is rejected',
    async (id) => {
      const { server } = await startChat()
      const events = await readSent(send[transport](server, questionInput(id, 'hello')))
      expect(events).toMatchObject([{ __typename: 'ReplyRejected', replyId: null, code: 'NOT_FOUND' }])
    },
  )

  test('under the client id of another message is rejected', async () => {
    const { server, model, id } = await startChat()
    const input = questionInput(id, 'hello')
    const first = readSent(send[transport](server, input))
    const call = await model.nextCall()
    call.answer('hi')
    await first
    const events = await readSent(send[transport](server, { ...input, content: 'other' }))
    expect(events).toMatchObject([{ __typename: 'ReplyRejected', code: 'CLIENT_MESSAGE_ID_CONFLICT' }])
  })

  test('to an unknown external id makes the conversation', async () => {
    const { server, model } = await startChat()
    const input = { content: 'hello', externalId: 'mine', clientMessageId: '1' }
    const events = readSent(send[transport](server, input))
    const call = await model.nextCall()
    call.answer('hi')
    expect((await events).at(-1)?.__typename).toBe('ReplyCompleted')
    const query = '{ conversation(externalId: "mine") { messageCount } }'
    expect((await server.client.post({ query })).data).toEqual({ conversation: { messageCount: 2 } })
  })

  test('reaches the model with its options', async () => {
    const { server, model, id } = await startChat()
    const input = { model: 'big', maxReplyTokens: 5, modelOptions: { temperature: 0 } }
    const events = readSent(send[transport](server, questionInput(id, 'hello', input)))
    const call = await model.nextCall()
    expect(call.request).toMatchObject({ model: 'big', maxReplyTokens: 5, options: { temperature: 0 }, cacheKey: id })
    call.toolCall({ type: 'toolCall', toolCallId: '1', toolName: 'look', arguments: '{}' })
    call.finish('TOOL_CALLS')
    call.end()
    const seen = await events
    expect(seen.slice(1)).toMatchObject([
      { __typename: 'ReplyPart', partIndex: 0, part: { __typename: 'ToolCallPart', toolName: 'look' } },
      { __typename: 'ReplyCompleted', message: { content: '', finishReason: 'TOOL_CALLS' } },
    ])
  })
})

async function startChat(limits = {}) {
  const model = createScriptedModel()
  const server = await startTestServer(undefined, { model, limits })
  const id = await startConversation(server.client)
  return { server, model, id }
}
