import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import { appendMessages, appendTexts, startConversation } from '../support/conversation-operations.ts'
import { questionInput, readReply, readSent, sendMessage } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'
import { edit, pathOf, redactMessage, selectVersion, versionsOf } from '../support/version-operations.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

const contextAsSent = graphql(`
  query ContextAsSent($id: ID!) {
    recentContext(conversationId: $id) { source chatMessages tokenCount messages { content status } }
  }
`)

test('what a redacted message says is gone, its place and its tokens stay', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const messages = [{ role: 'USER' as const, content: 'secret', metadata: { stars: 5 }, clientMessageId: 'c-1' }]
  await client.get(appendMessages, { input: { conversationId: id, messages } })
  await appendTexts(client, id, 'two')
  const [before, after] = await pathOf(client, id)
  const { redactMessage: redacted } = await client.get(redactMessage, { id: before?.id ?? '' })
  const { tokenCount } = before ?? {}
  const left = { content: '', parts: [], status: 'REDACTED', tokenCount, metadata: { stars: 5 } }
  expect(redacted).toMatchObject({ __typename: 'RedactMessageSuccess', message: { id: before?.id, ...left } })
  expect(await pathOf(client, id)).toEqual([{ ...before, content: '' }, after])
  const { recentContext } = await client.get(contextAsSent, { id })
  expect(recentContext.messages[0]).toEqual({ content: '', status: 'REDACTED' })
  expect(recentContext.chatMessages).toMatchObject([{ role: 'user', content: '[redacted]' }, { content: 'two' }])
  expect(await client.get(appendMessages, { input: { conversationId: id, messages } })).toMatchObject({
    appendMessages: { created: 0, messages: [{ content: '' }] },
  })
  expect((await client.get(redactMessage, { id: before?.id ?? '' })).redactMessage).toEqual(redacted)
})

test('a redacted tool call and its result keep what belongs together', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const call = { toolCall: { toolCallId: 'c1', toolName: 'find', arguments: '{"who":"ann"}' } }
  const result = { toolResult: { toolCallId: 'c1', output: 'Ann lives here.' } }
  const messages = [
    { role: 'ASSISTANT' as const, content: 'I look for Ann.', parts: [call] },
    { role: 'TOOL' as const, parts: [result] },
  ]
  await client.get(appendMessages, { input: { conversationId: id, messages } })
  const [called, answered] = await pathOf(client, id)
  const first = await client.get(redactMessage, { id: called?.id ?? '' })
  const second = await client.get(redactMessage, { id: answered?.id ?? '' })
  expect(first.redactMessage).toHaveProperty('message.parts', [
    { __typename: 'ToolCallPart', toolCallId: 'c1', toolName: 'find', arguments: '{}' },
  ])
  expect(second.redactMessage).toHaveProperty('message.parts', [
    { __typename: 'ToolResultPart', toolCallId: 'c1', output: '' },
  ])
  expect((await client.get(contextAsSent, { id })).recentContext.chatMessages).toMatchObject([
    { role: 'assistant', content: '[redacted]', tool_calls: [{ id: 'c1', function: { arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: '[redacted]' },
  ])
})

test('the other versions of a redacted message stay', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const [one = ''] = await appendTexts(client, id, 'one', '1')
  await edit(client, id, one, 'eins')
  await client.get(redactMessage, { id: one })
  expect(await versionsOf(client, one)).toEqual(['', 'eins'])
  const { selectVersion: selected } = await client.get(selectVersion, { messageId: one })
  expect(selected).toMatchObject({ conversation: { messages: { nodes: [{ content: '' }, { content: '1' }] } } })
})

test('what a reply answered and what it said are gone from the reply too', async () => {
  const model = createScriptedModel()
  const { client } = await startTestServer(undefined, { model })
  const id = await startConversation(client)
  const sent = readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'my secret') }))
  ;(await model.nextCall()).answer('Your secret is out.')
  const [{ replyId } = { replyId: '' }] = await sent
  for (const message of await pathOf(client, id)) await client.get(redactMessage, { id: message.id })
  expect((await client.get(readReply, { id: replyId ?? '' })).reply).toMatchObject({
    text: '',
    question: { content: '' },
    message: { content: '', status: 'REDACTED' },
  })
})

test('what is redacted on one node is gone from the cache of all', async () => {
  const { nodes } = await startWireNodes()
  const [{ client }, { client: other }] = nodes
  const id = await startConversation(client)
  const [messageId = ''] = await appendTexts(client, id, 'secret')
  const read = async () => (await other.get(contextAsSent, { id })).recentContext
  await expect.poll(read).toMatchObject({ source: 'CACHE', messages: [{ content: 'secret' }] })
  await client.get(redactMessage, { id: messageId })
  expect(await read()).toMatchObject({ messages: [{ content: '', status: 'REDACTED' }] })
})
