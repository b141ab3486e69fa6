import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import { appendMessages, appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

const updateMessage = graphql(`
  mutation UpdateMessage($input: UpdateMessageInput!) {
    updateMessage(input: $input) {
      __typename
      ... on UpdateMessageSuccess { message { id metadata } }
      ... on Error { code detail }
      ... on InvalidInputError { field }
    }
  }
`)

test('a message keeps all that is said of it', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const about = { author: 'ann', clientMessageId: 'c-1', metadata: { stars: 5 }, createdAt: '2001-02-03T04:05:06.000Z' }
  const input = { conversationId, messages: [{ role: 'USER' as const, content: 'Hello', ...about }] }
  const { appendMessages: result } = await client.get(appendMessages, { input })
  if (result.__typename !== 'AppendMessagesSuccess') throw new Error(result.detail)
  const [message] = result.messages
  expect(result).toMatchObject({ created: 1, conversation: { id: conversationId, messageCount: 1 } })
  expect(message).toMatchObject({ ...about, sequence: 1, role: 'USER', status: 'COMPLETE', content: 'Hello' })
  expect(message).toMatchObject({
    replyTo: null,
    finishReason: null,
    usage: null,
    model: null,
    versions: [message?.id],
  })
  expect(message?.parts).toEqual([{ __typename: 'TextPart', text: 'Hello', providerMetadata: null }])
})

test('every kind of part comes back as it was given, the content first', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const provider = { signature: 'abc', deep: [{ a: 1 }] }
  const parts = [
    { reasoning: { text: 'hm', providerMetadata: provider } },
    { toolCall: { toolCallId: '1', toolName: 'add', arguments: '{"a":1' } },
    { toolResult: { toolCallId: '0', toolName: 'sub', output: 'two', isError: true } },
    { file: { url: 'https://example.com/a.png', mediaType: 'image/png', filename: 'a.png' } },
    { data: { name: 'chart', data: { x: [1, null] } } },
    { data: { name: 'nothing' } },
    { text: { text: ' there' } },
  ]
  const input = { conversationId, messages: [{ role: 'ASSISTANT' as const, content: 'Hello', parts }] }
  const { appendMessages: result } = await client.get(appendMessages, { input })
  expect(result).toMatchObject({ messages: [{ content: 'Hello there' }] })
  expect(result).toHaveProperty('messages.0.parts', [
    { __typename: 'TextPart', text: 'Hello', providerMetadata: null },
    { __typename: 'ReasoningPart', text: 'hm', providerMetadata: provider },
    { __typename: 'ToolCallPart', toolCallId: '1', toolName: 'add', arguments: '{"a":1', providerMetadata: null },
    {
      __typename: 'ToolResultPart',
      toolCallId: '0',
      resultOf: 'sub',
      output: 'two',
      isError: true,
      providerMetadata: null,
    },
    {
      __typename: 'FilePart',
      url: 'https://example.com/a.png',
      mediaType: 'image/png',
      filename: 'a.png',
      providerMetadata: null,
    },
    { __typename: 'DataPart', name: 'chart', data: { x: [1, null] }, providerMetadata: null },
    { __typename: 'DataPart', name: 'nothing', data: null, providerMetadata: null },
    { __typename: 'TextPart', text: ' there', providerMetadata: null },
  ])
})

test('a part is of exactly one kind', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const part = { text: { text: 'a' }, reasoning: { text: 'b' } }
  const messages = [{ role: 'USER' as const, parts: [part as never] }]
  const { errors } = await client.execute(appendMessages, { input: { conversationId, messages } })
  expect(errors?.[0]?.message).toMatch(/exactly one/i)
})

test('the same client id with the same content is stored once, with other content refused', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const send = async (content: string) => {
    const messages = [{ role: 'USER' as const, content, clientMessageId: 'same' }]
    return (await client.get(appendMessages, { input: { conversationId, messages } })).appendMessages
  }
  const first = await send('a')
  expect(await send('a')).toMatchObject({ created: 0, conversation: { messageCount: 1 } })
  expect(await send('b')).toMatchObject({
    __typename: 'ClientMessageIdConflictError',
    code: 'CLIENT_MESSAGE_ID_CONFLICT',
    clientMessageId: 'same',
    messageId: first.__typename === 'AppendMessagesSuccess' && first.messages[0]?.id,
  })
})

test.each([
  ['messages', []],
  ['messages[1].content', [{ role: 'USER' as const, content: 'x' }, { role: 'USER' as const }]],
  ['messages[0].parts[0].text', [{ role: 'USER' as const, content: '\ud83d' }]],
  ['messages[0]', [{ role: 'USER' as const, content: 'x'.repeat(1_048_577) }]],
])('%s is named when it breaks a limit', async (field, messages) => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const { appendMessages: result } = await client.get(appendMessages, { input: { conversationId, messages } })
  expect(result).toMatchObject({ __typename: 'InvalidInputError', code: 'BAD_USER_INPUT', field })
})

test('messages cannot be appended to a conversation that is not there', async () => {
  const { client } = await startTestServer()
  const input = { conversationId: 'conv_nothing', messages: [{ role: 'USER' as const, content: 'x' }] }
  expect((await client.get(appendMessages, { input })).appendMessages).toMatchObject({ __typename: 'NotFoundError' })
})

test("a message's metadata is replaced and removed", async () => {
  const { client } = await startTestServer()
  const [id = ''] = await appendTexts(client, await startConversation(client), 'one')
  const set = await client.get(updateMessage, { input: { id, metadata: { liked: true } } })
  expect(set.updateMessage).toEqual({ __typename: 'UpdateMessageSuccess', message: { id, metadata: { liked: true } } })
  const removed = await client.get(updateMessage, { input: { id } })
  expect(removed.updateMessage).toMatchObject({ message: { metadata: null } })
})

test.each([
  [
    { id: 'msg_nothing', metadata: { a: 1 } },
    { __typename: 'NotFoundError', code: 'NOT_FOUND' },
  ],
  [
    { id: 'msg_nothing', metadata: 7 },
    { __typename: 'InvalidInputError', field: 'metadata' },
  ],
])('a change of a message that cannot be made says why (%#)', async (input, error) => {
  const { client } = await startTestServer()
  expect((await client.get(updateMessage, { input })).updateMessage).toMatchObject(error)
})
