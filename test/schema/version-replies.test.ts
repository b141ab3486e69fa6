import { describe, expect, test } from 'vitest'
import type { SendMessageInput } from '../generated/graphql.ts'
import {
  appendMessages,
  appendTexts,
  createConversation,
  startConversation,
} from '../support/conversation-operations.ts'
import { TRANSPORTS } from '../support/graphql-client.ts'
import { questionInput, readReply, readSent, sendMessage, startReply } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'
import { answer, selectVersion, textsOf, versionsOf } from '../support/version-operations.ts'

const CALL = { type: 'toolCall', toolCallId: 'c1', toolName: 'track', arguments: '{"ticket":17}' } as const

describe.each(TRANSPORTS)('a reply by %s', (transport) => {
  test('to an edited message is given the path of the edit, which is active from then on', async () => {
    const { client, model, id, ids } = await startSaid('one', '1', 'two', '2', 'three')
    const sent = readSent(
      client.streamBy(transport, sendMessage, { input: questionInput(id, 'zwei', { replaces: ids[2] ?? '' }) }),
    )
    ;(await model.nextCall()).answer('II')
    const [started, ...rest] = await sent
    expect(started).toMatchObject({
      __typename: 'ReplyStarted',
      question: { content: 'zwei' },
      context: { messages: [{ content: 'one' }, { content: '1' }, { content: 'zwei' }] },
    })
    expect(rest.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'II' } })
    expect(await textsOf(client, id)).toEqual(['one', '1', 'zwei', 'II'])
    expect(await versionsOf(client, ids[2] ?? '')).toEqual(['two', 'zwei'])
  })

  test('that is made again answers the same question, and takes the place of the old one', async () => {
    const { client, model, id, ids } = await startSaid('one', '1', 'two', '2')
    const sent = readSent(client.streamBy(transport, sendMessage, { input: answer(id, ids[1]) }))
    const call = await model.nextCall()
    expect(await textsOf(client, id)).toEqual(['one', '1', 'two', '2'])
    call.answer('I')
    const events = await sent
    expect(events[0]).toMatchObject({ __typename: 'ReplyStarted', question: { id: ids[0], content: 'one' } })
    expect(events.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: 'I', replyTo: ids[0] } })
    expect(await textsOf(client, id)).toEqual(['one', 'I'])
    expect(await versionsOf(client, ids[1] ?? '')).toEqual(['1', 'I'])
    await client.get(selectVersion, { messageId: ids[1] ?? '' })
    expect(await textsOf(client, id)).toEqual(['one', '1', 'two', '2'])
  })

  test('goes on from the results of its tools', async () => {
    const { client, model, id } = await startSaid()
    const asked = readSent(client.streamBy(transport, sendMessage, { input: questionInput(id, 'Where is it?') }))
    const first = await model.nextCall()
    first.toolCall(CALL)
    first.finish('TOOL_CALLS')
    first.end()
    expect((await asked).slice(1)).toMatchObject([
      { __typename: 'ReplyPart', part: { __typename: 'ToolCallPart', toolName: 'track' } },
      { __typename: 'ReplyCompleted', message: { finishReason: 'TOOL_CALLS' } },
    ])
    const messages = [{ role: 'TOOL' as const, parts: [{ toolResult: { toolCallId: 'c1', output: 'In Hamburg.' } }] }]
    await client.get(appendMessages, { input: { conversationId: id, messages } })
    const sent = readSent(client.streamBy(transport, sendMessage, { input: answer(id) }))
    const second = await model.nextCall()
    expect(second.request.messages).toMatchObject([
      { role: 'user', content: 'Where is it?' },
      { role: 'assistant', tool_calls: [{ id: 'c1', function: { name: 'track' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'In Hamburg.' },
    ])
    second.answer('It is in Hamburg.')
    const events = await sent
    expect(events[0]).toMatchObject({ __typename: 'ReplyStarted', question: { role: 'TOOL' } })
    expect(events.at(-1)).toMatchObject({ message: { content: 'It is in Hamburg.' } })
    expect(await textsOf(client, id)).toEqual(['Where is it?', '', '', 'It is in Hamburg.'])
  })
})

test('a started reply names the stored message that it answers', async () => {
  const { client, model, id, ids } = await startSaid('one', '1')
  const { startReply: started } = await client.get(startReply, { input: answer(id, ids[1]) })
  if (started.__typename !== 'StartReplySuccess') throw new Error(started.__typename)
  ;(await model.nextCall()).answer('I')
  const read = async () => (await client.get(readReply, { id: started.reply.id })).reply
  await expect
    .poll(read)
    .toMatchObject({ status: 'COMPLETED', question: { content: 'one' }, message: { content: 'I' } })
})

test('another answer that says nothing leaves the old one in its place', async () => {
  const { client, model, id, ids } = await startSaid('one', '1')
  const sent = readSent(client.streamBySse(sendMessage, { input: answer(id, ids[1]) }))
  ;(await model.nextCall()).fail(new Error('no'))
  expect((await sent).at(-1)).toMatchObject({ __typename: 'ReplyFailed', partial: null })
  expect(await textsOf(client, id)).toEqual(['one', '1'])
})

test('an answer that is cut off is what stands there', async () => {
  const { client, model, id, ids } = await startSaid('one', '1')
  const sent = readSent(client.streamBySse(sendMessage, { input: answer(id, ids[1]) }))
  const call = await model.nextCall()
  call.text('ha')
  call.fail(new Error('no'))
  expect((await sent).at(-1)).toMatchObject({ __typename: 'ReplyFailed', partial: { content: 'ha' } })
  expect(await textsOf(client, id)).toEqual(['one', 'ha'])
  expect(await versionsOf(client, ids[1] ?? '')).toEqual(['1', 'ha'])
})

test.each<[string, string, (ids: string[], id: string) => SendMessageInput]>([
  ['replaces', 'an edit of what a model said', (ids, id) => questionInput(id, 'x', { replaces: ids[1] ?? '' })],
  ['replaces', 'another answer in the place of a question', (ids, id) => answer(id, ids[0])],
  ['content', 'going on where nothing was asked', (_, id) => answer(id)],
  ['author', 'an author without a message', (ids, id) => ({ ...answer(id, ids[1]), author: 'ann' })],
  ['metadata', 'metadata without a message', (ids, id) => ({ ...answer(id, ids[1]), metadata: { a: 1 } })],
  [
    'content',
    'content and parts',
    (ids, id) => questionInput(id, 'x', { replaces: ids[0] ?? '', parts: [{ text: { text: 'y' } }] }),
  ],
])('names %s: %s', async (field, _, input) => {
  const { client, model, id, ids } = await startSaid('one', '1')
  expect(await readSent(client.streamBySse(sendMessage, { input: input(ids, id) }))).toMatchObject([
    { __typename: 'ReplyRejected', code: 'BAD_USER_INPUT', detail: expect.stringMatching(`^${field} must be `) },
  ])
  expect((await client.get(startReply, { input: input(ids, id) })).startReply).toMatchObject({ code: 'BAD_USER_INPUT' })
  expect(model.calls).toEqual([])
  expect(await textsOf(client, id)).toEqual(['one', '1'])
})

test('what is not in the conversation cannot be replaced', async () => {
  const { client, model, id, ids } = await startSaid('one', '1')
  const [elsewhere = ''] = await appendTexts(client, await startConversation(client), 'elsewhere')
  for (const replaces of [elsewhere, `${ids[0]}_zzz`, 'nonsense']) {
    for (const input of [questionInput(id, 'x', { replaces }), answer(id, replaces)]) {
      expect(await readSent(client.streamBySse(sendMessage, { input }))).toMatchObject([
        { __typename: 'ReplyRejected', replyId: null, code: 'NOT_FOUND', detail: `No message "${replaces}".` },
      ])
      expect((await client.get(startReply, { input })).startReply).toMatchObject({ code: 'NOT_FOUND' })
    }
  }
  expect(model.calls).toEqual([])
  expect(await textsOf(client, id)).toEqual(['one', '1'])
})

test('what replaces a message or goes on makes no conversation', async () => {
  const { client, id, ids } = await startSaid('one', '1')
  const sends = [questionInput(id, 'x', { replaces: ids[0] ?? '' }), answer(id, ids[1]), answer(id)]
  for (const { conversationId: _, ...send } of sends) {
    const input = { ...send, externalId: 'unknown' }
    expect(await readSent(client.streamBySse(sendMessage, { input }))).toMatchObject([
      { __typename: 'ReplyRejected', code: 'NOT_FOUND', detail: 'No conversation "unknown".' },
    ])
  }
  const input = { externalId: 'unknown' }
  expect(await client.get(createConversation, { input })).toMatchObject({ createConversation: { created: true } })
})

test('a conversation is found by its external id where a message is replaced', async () => {
  const { client, model } = await startSaid()
  const id = await startConversation(client, { externalId: 'ticket-7' })
  const [, old] = await appendTexts(client, id, 'one', '1')
  const { conversationId: _, ...send } = answer(id, old)
  const sent = readSent(client.streamBySse(sendMessage, { input: { ...send, externalId: 'ticket-7' } }))
  ;(await model.nextCall()).answer('I')
  await sent
  expect(await textsOf(client, id)).toEqual(['one', 'I'])
})

/** A server with a model and a conversation in which this was said. */
async function startSaid(...texts: string[]) {
  const model = createScriptedModel()
  const { client } = await startTestServer(undefined, { model })
  const id = await startConversation(client)
  return { client, model, id, ids: texts.length > 0 ? await appendTexts(client, id, ...texts) : [] }
}
