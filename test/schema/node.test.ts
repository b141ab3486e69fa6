import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

const node = graphql(`
  query Node($id: ID!) {
    node(id: $id) { __typename id ... on Message { content } ... on Conversation { title } }
  }
`)

const nodes = graphql(`
  query Nodes($ids: [ID!]!) {
    nodes(ids: $ids) { __typename id }
  }
`)

test('conversations and messages are found by their own ids', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client, { title: 'T' })
  const [messageId = ''] = await appendTexts(client, conversationId, 'one')
  const found = await client.get(node, { id: conversationId })
  expect(found.node).toEqual({ __typename: 'Conversation', id: conversationId, title: 'T' })
  expect((await client.get(node, { id: messageId })).node).toEqual({
    __typename: 'Message',
    id: messageId,
    content: 'one',
  })
})

test('a bad id is null at its place and leaves the others intact', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const [messageId = ''] = await appendTexts(client, conversationId, 'one')
  const missing = `${messageId.slice(0, -1)}9`
  const ids = [messageId, 'garbage', '', 'conv_', 'conv_00000000000000000000000000', missing, 'msg_x', conversationId]
  const answer = await client.get(nodes, { ids })
  expect(answer.nodes.map((found) => found?.id ?? null)).toEqual([messageId, ...Array(6).fill(null), conversationId])
  expect((await client.get(node, { id: 'garbage' })).node).toBeNull()
})

test('messages that are too long for one answer are not read all the same', async () => {
  const { client, history } = await startTestServer(undefined, { server: { maxAnswerBytes: 200_000 } })
  const id = await startConversation(client)
  const ids: string[] = []
  for (let count = 0; count < 5; count += 1)
    ids.push(...(await appendTexts(client, id, `${count}${'x'.repeat(50_000)}`)))
  expect(await client.execute(nodes, { ids: ids.slice(0, 3) })).not.toHaveProperty('errors')
  const { errors = [] } = await client.execute(nodes, { ids })
  expect(errors[0]).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } })
  expect(history.calls).toContain('findMessages')
})

test('many nodes are one lookup of each kind', async () => {
  const calls: number[] = []
  const { client } = await startTestServer((memory) => ({
    findMessages: (ownerId, ids, maxLength) => {
      calls.push(ids.length)
      return memory.findMessages(ownerId, ids, maxLength)
    },
  }))
  const ids = await appendTexts(client, await startConversation(client), 'one', 'two', 'three')
  await client.get(nodes, { ids: [...ids, ...ids] })
  expect(calls).toEqual([3])
})

test('more than a hundred ids are refused', async () => {
  const { client } = await startTestServer()
  const { errors } = await client.execute(nodes, { ids: Array(101).fill('x') })
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field: 'ids' } }])
})
