import { expect, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

/** As a client writes it into the text of its operation: GraphQL reads it into an object without a prototype. */
const INLINE =
  'parts: [{ data: { name: "n", data: { b: [-0.0, 1], a: { c: null } }, providerMetadata: { score: -0.0 } } }]'

test('an append whose JSON is written inline is no conflict with itself', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const query = `mutation { appendMessages(input: { conversationId: "${id}", messages: [
    { role: USER, clientMessageId: "one", ${INLINE} }
  ] }) { __typename ... on AppendMessagesSuccess { created } } }`
  const created = async () => (await client.post({ query })).data
  expect(await created()).toEqual({ appendMessages: { __typename: 'AppendMessagesSuccess', created: 1 } })
  expect(await created()).toEqual({ appendMessages: { __typename: 'AppendMessagesSuccess', created: 0 } })
})

test('a question whose JSON is written inline joins the reply that it began', async () => {
  const { client, replies } = await startTestServer()
  const id = await startConversation(client)
  const query = `mutation { startReply(input: { conversationId: "${id}", clientMessageId: "one", ${INLINE} }) {
    __typename ... on StartReplySuccess { reply { id } } ... on Error { detail }
  } }`
  const started = async () => (await client.post({ query })).data
  const first = await started()
  expect(first).toMatchObject({ startReply: { __typename: 'StartReplySuccess' } })
  await expect.poll(async () => (await replies.findActive('local', id))?.phase).toBe('RUN')
  expect(await started()).toEqual(first)
})

test.each([
  ['providerMetadata.a', 'parts: [{ text: { text: "x", providerMetadata: { a: 1e400 } } }]'],
  ['data[0]', 'parts: [{ data: { name: "n", data: [-1e400] } }]'],
])('%s that is not finite is refused where it is appended', async (field, part) => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const query = `mutation { appendMessages(input: { conversationId: "${id}", messages: [{ role: USER, ${part} }] }) {
    __typename ... on InvalidInputError { field }
  } }`
  const refusal = { __typename: 'InvalidInputError', field: `messages[0].parts[0].${field}` }
  expect((await client.post({ query })).data).toEqual({ appendMessages: refusal })
})
