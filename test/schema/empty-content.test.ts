import { expect, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'

const FIELDS = '__typename ... on InvalidInputError { field detail } ... on AppendMessagesSuccess { created }'

test.each([
  ['content: ""', 'content', 'content must be absent or at least one character; got "".'],
  ['content: "" parts: []', 'content', /content must be given, or else `parts`, and not both/],
  ['parts: []', 'parts', /parts must be from 1 to 100 parts/],
])('a question with %s is refused, and no model is called', async (given, field, detail) => {
  const model = createScriptedModel()
  const { client } = await startTestServer(() => ({}), { model })
  const id = await startConversation(client)
  const start = `startReply(input: { conversationId: "${id}" clientMessageId: "1" ${given} })`
  const { data } = await client.post({ query: `mutation { ${start} { ... on InvalidInputError { field detail } } }` })
  const expected = typeof detail === 'string' ? detail : expect.stringMatching(detail)
  expect(data).toEqual({ startReply: { field, detail: expected } })
  expect(model.calls).toEqual([])
})

test.each([
  ['content: ""', 'messages[1].content', 'messages[1].content must be absent or at least one character; got "".'],
  ['', 'messages[1].content', 'messages[1].content must be given, or else `parts`; got neither.'],
])('an appended message with "%s" is refused by the field that was or was not given', async (given, field, detail) => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const messages = `[{ role: USER content: "one" }, { role: USER ${given} }]`
  const append = `appendMessages(input: { conversationId: "${id}" messages: ${messages} })`
  const { data } = await client.post({ query: `mutation { ${append} { ${FIELDS} } }` })
  expect(data).toEqual({ appendMessages: { __typename: 'InvalidInputError', field, detail } })
})
