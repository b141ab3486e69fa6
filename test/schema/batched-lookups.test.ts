import { expect, test } from 'vitest'
import { createReplyId } from '../../src/memory/ids.ts'
import { graphql } from '../generated/gql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'

const sidebar = graphql(`
  query Sidebar {
    conversations(first: 100) {
      nodes { id title messageCount tokenCount activeReply { id status } }
    }
  }
`)

const startedReply = graphql(`
  mutation StartedReply($id: ID!) {
    startReply(input: { conversationId: $id, clientMessageId: "1", content: "q" }) {
      __typename
      ... on StartReplySuccess { reply { id } }
    }
  }
`)

const repliesById = graphql(`
  query RepliesById($ids: [ID!]!) {
    nodes(ids: $ids) { id ... on Reply { status } }
  }
`)

test('100 conversations with counts and active replies are four look-ups', async () => {
  const { client, history, memory, replyCalls } = await startTestServer(() => ({}), {
    model: createScriptedModel(),
  })
  for (let index = 0; index < 99; index += 1) await memory.createConversation('local', {}, 'FAIL')
  const id = await startConversation(client)
  await appendTexts(client, id, 'one', 'two')
  const { startReply } = await client.get(startedReply, { id })
  const replyId = startReply.__typename === 'StartReplySuccess' ? startReply.reply.id : ''
  history.resetCounts()
  replyCalls.length = 0
  const { conversations } = await client.get(sidebar, {})
  expect(conversations.nodes).toHaveLength(100)
  const busy = conversations.nodes.find((conversation) => conversation.id === id)
  expect(busy?.activeReply).toEqual({ id: replyId, status: 'RUNNING' })
  expect(busy?.messageCount).toBeGreaterThanOrEqual(2)
  const reads = history.calls.filter((name) => /^(find|list|read)/.test(name))
  expect(reads.toSorted()).toEqual(['findConversations', 'listConversations', 'readHeads'])
  // The reply that runs renews itself meanwhile.
  expect(replyCalls.filter((name) => name.startsWith('find'))).toEqual(['findActiveMany'])
})

test('replies by their ids are one look-up', async () => {
  const { client, replyCalls } = await startTestServer()
  const id = await startConversation(client)
  const ids = Array.from({ length: 50 }, () => createReplyId(id))
  replyCalls.length = 0
  await client.get(repliesById, { ids })
  expect(replyCalls.filter((name) => name.startsWith('find'))).toHaveLength(1)
})
