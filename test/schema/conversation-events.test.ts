import { describe, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { graphql } from '../generated/gql.ts'
import { say, startConversation } from '../support/conversation-operations.ts'
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

const changeBoth = graphql(`
  mutation ChangeBoth($id: ID!, $messageId: ID!) {
    updateMessage(input: { id: $messageId, metadata: { liked: true } }) { __typename }
    updateConversation(input: { id: $id, title: "New" }) { __typename }
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
  test('tell what happens in a conversation, and end with it', async () => {
    const { test, id, opened } = await startFollowed()
    const events = open[transport](test, id)
    const first = events.next()
    await opened(1)
    const [messageId = ''] = await say(test.client, id, 'one')
    expect((await first).value.data.conversationEvents).toMatchObject({
      __typename: 'MessageAppended',
      message: { content: 'one', versions: [messageId] },
    })
    const second = events.next()
    await test.client.get(changeBoth, { id, messageId }).catch(() => undefined)
    expect(await second).toBeDefined()
    const rest = await typesOf(events)
    expect(rest.at(-1)).toBe('ConversationDeleted')
  })

  test('resume behind a cursor', async () => {
    const { test, id } = await startFollowed()
    await say(test.client, id, 'one', 'two', 'three')
    const events = open[transport](test, id, '0')
    const first = (await events.next()).value.data.conversationEvents
    await events.return()
    const resumed = open[transport](test, id, first.cursor)
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
    const leftAt = performance.now()
    await events.return()
    await pending.catch(() => undefined)
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), { interval: 1 })
    expect(performance.now() - leftAt).toBeLessThan(1_000)
  })

  test('end when the server closes', async () => {
    const { test, id, opened, signals } = await startFollowed()
    const pending = open[transport](test, id)
      .next()
      .catch((error: unknown) => error)
    await opened(1)
    const closingAt = performance.now()
    await test.server.close(5_000)
    expect(performance.now() - closingAt).toBeLessThan(4_000)
    expect(signals[0]?.aborted).toBe(true)
    await pending
  })
})

test('a message that is gone is passed over, and a history that is away is a reset', async () => {
  let answer: () => Promise<undefined[]> = async () => [undefined]
  const { test, id } = await startFollowed({ findMessages: () => answer() })
  await say(test.client, id, 'gone', 'missed')
  answer = vi
    .fn<() => Promise<undefined[]>>()
    .mockResolvedValueOnce([undefined])
    .mockRejectedValueOnce(new HistoryUnavailableError(new Error('cut')))
  const events = test.client.streamBySse(conversationEvents, { id, after: '0' })
  expect((await events.next()).value).toEqual({
    data: { conversationEvents: { __typename: 'ConversationReset', cursor: '2' } },
  })
  await events.return()
})

test('a source that throws is a masked error at the end of the stream, logged once', async () => {
  const { test, id } = await startFollowed({ findMessages: () => Promise.reject(new Error('mongodb://secret')) })
  await say(test.client, id, 'one')
  const events = test.client.streamBySocket(conversationEvents, { id, after: '0' })
  const { value } = await events.next()
  expect(value.errors).toMatchObject([{ message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }])
  expect(await events.next()).toMatchObject({ done: true })
  expect(test.log.entries).toMatchObject([{ level: 'error', fields: { err: { message: 'mongodb://secret' } } }])
})

test('one event does not answer with what another saw', async () => {
  const { test, id } = await startFollowed()
  const changes = `mutation ($id: ID!) { updateConversation(input: { id: $id, title: "New" }) { __typename } }`
  await test.client.post({ query: changes, variables: { id } })
  await test.client.post({ query: changes, variables: { id } })
  const events = test.client.streamBySse(conversationEvents, { id, after: '0' })
  expect((await events.next()).value.data.conversationEvents).toMatchObject({ conversation: { messageCount: 0 } })
  await say(test.client, id, 'one')
  await events.next()
  await test.client.post({ query: changes, variables: { id } })
  const types = [(await events.next()).value, (await events.next()).value]
  expect(types.at(-1)?.data.conversationEvents).toMatchObject({
    conversation: { title: 'New', messageCount: 1, recentContext: { tokenCount: 5 } },
  })
  await events.return()
})

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
  const opened = (count: number) => vi.waitFor(() => expect(signals).toHaveLength(count))
  return { test, id, signals, opened }
}

async function typesOf(
  events: AsyncIterable<{ data: { conversationEvents: { __typename: string } } }>,
): Promise<string[]> {
  const types: string[] = []
  for await (const { data } of events) types.push(data.conversationEvents.__typename)
  return types
}
