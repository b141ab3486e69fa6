import { describe, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { graphql } from '../generated/gql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const conversationEvents = graphql(`
  subscription ConversationEvents($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      __typename
      cursor
      ... on MessageAppended { message { content versions } }
      ... on MessageChanged { message { metadata } }
      ... on ConversationChanged { conversation { title messageCount recentContext { tokenCount } } }
    }
  }
`)

const likeMessage = graphql(`
  mutation LikeMessage($messageId: ID!) {
    updateMessage(input: { id: $messageId, metadata: { liked: true } }) { __typename }
  }
`)

const renameConversation = graphql(`
  mutation RenameConversation($id: ID!) {
    updateConversation(input: { id: $id, title: "New" }) { __typename }
  }
`)

const removeConversation = graphql(`
  mutation RemoveConversation($id: ID!) {
    deleteConversation(id: $id) { __typename }
  }
`)

const open = {
  SSE: ({ client }: TestServer, id: string, after?: string) =>
    client.streamBySse(conversationEvents, { id, after: after ?? null }),
  WebSocket: ({ client }: TestServer, id: string, after?: string) =>
    client.streamBySocket(conversationEvents, { id, after: after ?? null }),
}

describe.each(['SSE', 'WebSocket'] as const)('events by %s', (transport) => {
  test('carry what happens in a conversation, and end with it', async () => {
    const { test, id } = await startFollowed()
    const events = open[transport](test, id)
    await heartbeat(events)
    const [messageId = ''] = await appendTexts(test.client, id, 'one')
    expect((await events.next()).value.data.conversationEvents).toMatchObject({
      __typename: 'MessageAppended',
      message: { content: 'one', versions: [messageId] },
    })
    const next = async () => (await events.next()).value.data.conversationEvents
    await test.client.get(likeMessage, { messageId })
    expect(await next()).toMatchObject({ __typename: 'MessageChanged', message: { metadata: { liked: true } } })
    await test.client.get(renameConversation, { id })
    expect(await next()).toMatchObject({ __typename: 'ConversationChanged', conversation: { title: 'New' } })
    await test.client.get(removeConversation, { id })
    expect(await next()).toMatchObject({ __typename: 'ConversationDeleted' })
    expect(await events.next()).toMatchObject({ done: true })
  })

  test('resume behind a cursor', async () => {
    const { test, id } = await startFollowed()
    const events = open[transport](test, id)
    await heartbeat(events)
    await appendTexts(test.client, id, 'one', 'two', 'three')
    const { cursor } = (await events.next()).value.data.conversationEvents
    await events.return()
    const resumed = open[transport](test, id, cursor)
    expect((await resumed.next()).value.data.conversationEvents).toMatchObject({ message: { content: 'two' } })
    await resumed.return()
  })

  test('of a conversation that is not there are an error of the request', async () => {
    const { test } = await startFollowed()
    const stream = open[transport](test, 'conv_nothing')
    const outcome = await stream.next().then(
      ({ value }) => value,
      (error: unknown) => ({ errors: error }),
    )
    expect(outcome.errors).toMatchObject([
      { message: 'No conversation "conv_nothing".', extensions: { code: 'NOT_FOUND' } },
    ])
  })

  test('end at once for the server when the client leaves', async () => {
    const { test, id, opened, signals } = await startFollowed()
    const events = open[transport](test, id)
    const pending = events.next()
    await opened(1)
    await events.return()
    await pending.catch(() => undefined)
    await expect.poll(() => signals[0]?.aborted).toBe(true)
  })

  test('end when the server closes', async () => {
    const { test, id, opened, signals } = await startFollowed()
    const pending = open[transport](test, id)
      .next()
      .catch((error: unknown) => error)
    await opened(1)
    // A deadline beyond the test's own: closing must not wait for it.
    await test.server.close(600_000)
    expect(signals[0]?.aborted).toBe(true)
    await pending
  })
})

test('a message that is gone is passed over, and a history that is away is a reset', async () => {
  const findInConversation = vi
    .fn<() => Promise<object>>()
    .mockResolvedValueOnce({ conversation: undefined, messages: [undefined] })
    .mockRejectedValueOnce(new HistoryUnavailableError(new Error('cut')))
  const { test, id } = await startFollowed({ findInConversation })
  const events = test.client.streamBySse(conversationEvents, { id, after: null })
  await heartbeat(events)
  const pending = events.next()
  await appendTexts(test.client, id, 'gone')
  await expect.poll(() => findInConversation).toHaveBeenCalledTimes(1)
  await appendTexts(test.client, id, 'missed')
  expect((await pending).value.data).toMatchObject({ conversationEvents: { __typename: 'ConversationReset' } })
  expect(findInConversation).toHaveBeenCalledTimes(2)
  await events.return()
})

test('a cursor that nobody knows any more is a reset', async () => {
  const { test, id } = await startFollowed()
  const events = test.client.streamBySse(conversationEvents, { id, after: 'garbage' })
  expect((await events.next()).value.data).toMatchObject({ conversationEvents: { __typename: 'ConversationReset' } })
  await events.return()
})

test('a source that throws is a masked error at the end of the stream, logged once', async () => {
  const { test, id } = await startFollowed({
    findInConversation: () => Promise.reject(new Error('mongodb://secret')),
  })
  const events = test.client.streamBySocket(conversationEvents, { id, after: null })
  await heartbeat(events)
  await appendTexts(test.client, id, 'one')
  expect((await events.next()).value.errors).toMatchObject([
    { message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
  ])
  expect(await events.next()).toMatchObject({ done: true })
  expect(test.log.entries).toMatchObject([{ level: 'error', fields: { err: { message: 'mongodb://secret' } } }])
})

test('a later event answers with what is there then', async () => {
  const { test, id } = await startFollowed()
  const events = test.client.streamBySse(conversationEvents, { id, after: null })
  await heartbeat(events)
  await test.client.get(renameConversation, { id })
  const changed = { __typename: 'ConversationChanged', conversation: { title: 'New', messageCount: 0 } }
  expect((await events.next()).value.data.conversationEvents).toMatchObject(changed)
  await appendTexts(test.client, id, 'one')
  expect((await events.next()).value.data.conversationEvents).toMatchObject({ __typename: 'MessageAppended' })
  await test.client.get(renameConversation, { id })
  expect((await events.next()).value.data.conversationEvents).toMatchObject({
    conversation: { messageCount: 1, recentContext: { tokenCount: 5 } },
  })
  await events.return()
})

/** The first event, from which on nothing is lost. */
async function heartbeat(events: AsyncIterableIterator<{ data: unknown }>): Promise<void> {
  const { value } = await events.next()
  expect(value.data).toMatchObject({ conversationEvents: { __typename: 'ConversationHeartbeat' } })
}

/** A server with a conversation; `opened` waits for that many subscriptions to have reached the memory. */
async function startFollowed(replaced: object = {}) {
  const signals: AbortSignal[] = []
  const test = await startTestServer((memory) => ({
    ...replaced,
    subscribe: async (ownerId, conversationId, after, signal) => {
      const events = await memory.subscribe(ownerId, conversationId, after, signal)
      signals.push(signal)
      return events
    },
  }))
  const id = await startConversation(test.client)
  const opened = (count: number) => expect.poll(() => signals.length).toBe(count)
  return { test, id, signals, opened }
}
