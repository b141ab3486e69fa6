import { expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { graphql } from '../generated/gql.ts'
import { appendTexts, createConversation, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

const findConversation = graphql(`
  query FindConversation($id: ID, $externalId: String) {
    conversation(id: $id, externalId: $externalId) {
      id
      title
      messageCount
      tokenCount
      lastMessageAt
      archivedAt
    }
  }
`)

const updateConversation = graphql(`
  mutation UpdateConversation($input: UpdateConversationInput!) {
    updateConversation(input: $input) {
      __typename
      ... on UpdateConversationSuccess {
        conversation { id title model instructions metadata archivedAt expiresAt }
      }
      ... on Error { code detail }
      ... on InvalidInputError { field }
    }
  }
`)

const deleteConversation = graphql(`
  mutation DeleteConversation($id: ID!) {
    deleteConversation(id: $id) {
      __typename
      ... on DeleteConversationSuccess { deletedId }
      ... on Error { code detail }
    }
  }
`)

test('a conversation is created with all that is said of it', async () => {
  const { client } = await startTestServer()
  const given = {
    externalId: 'ticket-7',
    title: 'Ticket 7',
    model: 'small',
    instructions: 'Be kind.',
    encoding: 'cl100k_base',
    metadata: { team: 'blue', urgent: true, score: 1.5, note: null },
    expiresAt: '2999-01-01T00:00:00.000Z',
  }
  const { createConversation: result } = await client.get(createConversation, { input: given })
  expect(result).toMatchObject({
    __typename: 'CreateConversationSuccess',
    created: true,
    conversation: { ...given, messageCount: 0, tokenCount: 0, lastMessageAt: null, archivedAt: null },
  })
})

test('a conversation with nothing said of it has only nulls', async () => {
  const { client } = await startTestServer()
  const input = { title: null, metadata: null }
  const { createConversation: result } = await client.get(createConversation, { input })
  expect(result).toMatchObject({
    conversation: {
      externalId: null,
      title: null,
      model: null,
      metadata: null,
      encoding: 'o200k_base',
      expiresAt: null,
    },
  })
})

test('an external id that is taken says by which conversation, or returns it', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client, { externalId: 'same' })
  const { createConversation: failed } = await client.get(createConversation, { input: { externalId: 'same' } })
  const detail = expect.stringContaining('conversation(externalId: …)')
  expect(failed).toMatchObject({ __typename: 'ExternalIdTakenError', detail, conversationId: id })
  const returning = { externalId: 'same', ifExists: 'RETURN' as const }
  const { createConversation: returned } = await client.get(createConversation, { input: returning })
  expect(returned).toMatchObject({ created: false, conversation: { id } })
})

test('input that breaks a limit is an error with its field', async () => {
  const { client } = await startTestServer()
  const { createConversation: result } = await client.get(createConversation, { input: { title: 't'.repeat(513) } })
  expect(result).toEqual({
    __typename: 'InvalidInputError',
    code: 'BAD_USER_INPUT',
    detail: 'title must be at most 512 characters; got 513.',
    field: 'title',
  })
})

test('a history that is away is an answer that may be asked again', async () => {
  const { client } = await startTestServer(() => ({
    createConversation: () => Promise.reject(new HistoryUnavailableError(new Error('cut'))),
  }))
  const { createConversation: result } = await client.get(createConversation, { input: {} })
  expect(result).toMatchObject({ __typename: 'HistoryUnavailableError', code: 'HISTORY_UNAVAILABLE', retryable: true })
})

test('a conversation is found by its id and by its external id', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client, { externalId: 'x', title: 'X' })
  await appendTexts(client, id, 'one', 'two')
  const { conversation } = await client.get(findConversation, { id })
  expect(conversation).toMatchObject({ id, title: 'X', messageCount: 2, tokenCount: 10 })
  expect(conversation?.lastMessageAt).toBeTruthy()
  expect((await client.get(findConversation, { externalId: 'x' })).conversation?.id).toBe(id)
})

test.each([{ id: 'conv_nothing' }, { id: '' }, { id: 'msg_x' }, { externalId: 'nothing' }])(
  'a conversation that is not there is null (%o)',
  async (variables) => {
    const { client } = await startTestServer()
    expect(await client.get(findConversation, variables)).toEqual({ conversation: null })
  },
)

test.each([{}, { id: null }, { id: 'conv_x', externalId: 'x' }])(
  'a conversation is asked for by exactly one of its ids, not by %o',
  async (variables) => {
    const { client } = await startTestServer()
    const { errors } = await client.execute(findConversation, variables)
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field: 'id' } }])
  },
)

test('a change leaves what is absent and removes what is null', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client, { title: 'Old', model: 'small', metadata: { a: 1 } })
  const input = { id, title: 'New', metadata: null, archived: true, expiresAt: '2999-01-01T00:00:00.000Z' }
  const { updateConversation: result } = await client.get(updateConversation, { input })
  expect(result).toMatchObject({
    conversation: { title: 'New', model: 'small', metadata: null, expiresAt: '2999-01-01T00:00:00.000Z' },
  })
  expect(result).toHaveProperty('conversation.archivedAt', expect.stringMatching(/^\d{4}-/))
  const undone = { id, archived: false, expiresAt: null }
  const { updateConversation: restored } = await client.get(updateConversation, { input: undone })
  expect(restored).toMatchObject({ conversation: { title: 'New', archivedAt: null, expiresAt: null } })
})

test.each([
  [
    { id: 'conv_nothing', title: 'x' },
    { __typename: 'NotFoundError', code: 'NOT_FOUND' },
  ],
  [
    { id: 'conv_nothing', metadata: { a: [] } },
    { __typename: 'InvalidInputError', field: 'metadata.a' },
  ],
])('a change that cannot be made says why (%#)', async (input, error) => {
  const { client } = await startTestServer()
  expect((await client.get(updateConversation, { input })).updateConversation).toMatchObject(error)
})

test('a deleted conversation is gone, and cannot be deleted again', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const first = await client.get(deleteConversation, { id })
  expect(first.deleteConversation).toEqual({ __typename: 'DeleteConversationSuccess', deletedId: id })
  expect(await client.get(findConversation, { id })).toEqual({ conversation: null })
  expect((await client.get(deleteConversation, { id })).deleteConversation).toMatchObject({ code: 'NOT_FOUND' })
})

test('fields of conversations that one request asks for are one lookup', async () => {
  const calls: (readonly string[])[] = []
  const { client } = await startTestServer((memory) => ({
    findConversations: (ownerId, ids) => {
      calls.push(ids)
      return memory.findConversations(ownerId, ids)
    },
  }))
  const [a, b] = [await startConversation(client), await startConversation(client)]
  const query = `query ($a: ID!, $b: ID!) {
    a: conversation(id: $a) { title model } again: conversation(id: $a) { title }
    b: node(id: $b) { ... on Conversation { title } }
  }`
  await client.post({ query, variables: { a, b } })
  expect(calls).toEqual([[a, b]])
})
