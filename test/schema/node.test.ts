import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import { say, startConversation } from '../support/conversation-operations.ts'
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
  const [messageId = ''] = await say(client, conversationId, 'one')
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
  const [messageId = ''] = await say(client, conversationId, 'one')
  const missing = `${messageId.slice(0, -1)}9`
  const ids = [messageId, 'garbage', '', 'conv_', 'conv_00000000000000000000000000', missing, 'msg_x', conversationId]
  const answer = await client.get(nodes, { ids })
  expect(answer.nodes.map((found) => found?.id ?? null)).toEqual([messageId, ...Array(6).fill(null), conversationId])
  expect((await client.get(node, { id: 'garbage' })).node).toBeNull()
})

test('many nodes are one lookup of each kind', async () => {
  const calls: number[] = []
  const { client } = await startTestServer((memory) => ({
    findMessages: (ownerId, ids) => {
      calls.push(ids.length)
      return memory.findMessages(ownerId, ids)
    },
  }))
  const ids = await say(client, await startConversation(client), 'one', 'two', 'three')
  await client.get(nodes, { ids: [...ids, ...ids] })
  expect(calls).toEqual([3])
})

test('more than a hundred ids are refused', async () => {
  const { client } = await startTestServer()
  const { errors } = await client.ask(nodes, { ids: Array(101).fill('x') })
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field: 'ids' } }])
})
