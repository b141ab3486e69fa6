import { describe, expect, test, vi } from 'vitest'
import type { Conversation } from '../../src/memory/conversation.ts'
import type { ConversationEvent } from '../../src/memory/events/conversation-events.ts'
import { formatCursor } from '../../src/memory/events/log-position.ts'
import type { Message } from '../../src/memory/message.ts'
import { createEventLookups } from '../../src/schema/conversation/event-lookups.ts'
import { followConversation } from '../../src/schema/conversation/follow-conversation.ts'
import type { FollowedEvent } from '../../src/schema/conversation/followed-event.ts'
import { graphql } from '../generated/gql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import type { Transport } from '../support/graphql-client.ts'
import { startTestServer } from '../support/test-server.ts'

const watchMessages = graphql(`
  subscription WatchMessages($id: ID!) {
    conversationEvents(conversationId: $id) {
      __typename
      ... on MessageAppended { message { content versions } }
    }
  }
`)

const ID = 'conv_1'

test.each(['SSE', 'WebSocket'] as const)('one message to 50 subscribers by %s is looked up once', async (transport) => {
  const [one, many] = [await countCalls(transport, 1), await countCalls(transport, 50)]
  expect(many.findMessages).toBe(one.findMessages)
  expect(many.findConversations).toBe(one.findConversations)
})

/** The calls of the history that an append and its event to so many subscribers cause. */
async function countCalls(transport: Transport, subscribers: number) {
  const { client, history } = await startTestServer()
  const id = await startConversation(client)
  const streams = Array.from({ length: subscribers }, () => client.streamBy(transport, watchMessages, { id }))
  for (const stream of streams) {
    const { value } = await stream.next()
    expect(value.data.conversationEvents.__typename).toBe('ConversationHeartbeat')
  }
  const firsts = streams.map((stream) => stream.next())
  history.resetCounts()
  const [messageId = ''] = await appendTexts(client, id, 'for all')
  const event = { __typename: 'MessageAppended', message: { content: 'for all', versions: [messageId] } }
  for (const first of firsts) expect((await first).value.data.conversationEvents).toEqual(event)
  const count = (name: string) => history.calls.filter((call) => call === name).length
  const counts = { findMessages: count('findMessages'), findConversations: count('findConversations') }
  await Promise.all(streams.map((stream) => stream.return()))
  return counts
}

describe('a batch of 1,000 messages', () => {
  test('is looked up in batches, whoever else subscribes', async () => {
    const { subscribe, findInConversation } = createWorld(eventsOf(1_000))
    const [first, second] = await Promise.all([collect(await subscribe()), collect(await subscribe())])
    expect(first.map(textOf)).toEqual(Array.from({ length: 1_000 }, (_, index) => `text ${index}`))
    expect(second).toEqual(first)
    expect(findInConversation.mock.calls.length).toBeLessThanOrEqual(Math.ceil(1_000 / 32) + 1)
  })

  test('that are long is looked up whole, but not held whole for a slow client', async () => {
    const { subscribe, findInConversation } = createWorld(eventsOf(100), 20_000)
    const events = (await subscribe())[Symbol.asyncIterator]()
    const texts: string[] = []
    for (let next = await events.next(); !next.done; next = await events.next()) texts.push(textOf(next.value))
    expect(texts).toEqual(Array.from({ length: 100 }, (_, index) => `text ${index}`))
    // What was looked up and not held is looked up again, with what came behind it.
    expect(findInConversation.mock.calls.length).toBeGreaterThan(4)
  })
})

test('what was redacted is not shown to a subscriber that is behind', async () => {
  const events = eventsOf(1)
  const world = createWorld(events)
  const ahead = (await world.subscribe())[Symbol.asyncIterator]()
  expect(textOf((await ahead.next()).value)).toBe('text 0')
  world.texts.set('0', '')
  const changed: ConversationEvent = { type: 'MessageChanged', messageId: '0', cursor: cursorOf(2) }
  expect(textOf(await world.lookUp(changed))).toBe('')
  const behind = (await world.subscribe())[Symbol.asyncIterator]()
  expect(textOf((await behind.next()).value)).toBe('')
})

test('events of no place in the log are looked up each for itself', async () => {
  const { lookUp, texts } = createWorld([])
  const event: ConversationEvent = { type: 'MessageAppended', messageId: '0', cursor: 'unlogged' }
  expect(textOf(await lookUp(event))).toBe('text 0')
  texts.set('0', 'new')
  expect(textOf(await lookUp({ ...event }))).toBe('new')
})

/** A memory with messages of that many tokens, and subscribers that find all events waiting for them. */
function createWorld(events: readonly ConversationEvent[], tokens = 5) {
  const texts = new Map<string, string>()
  const conversation = { id: ID, branches: [], activeBranch: '0' } as unknown as Conversation
  const findInConversation = vi.fn(async (_owner: string, _id: string, ids: readonly string[]) => ({
    conversation,
    messages: ids.map((id) => messageOf(id, texts.get(id) ?? `text ${id}`, tokens)),
  }))
  const memory = { findInConversation, subscribe: async () => waitingEvents(events) }
  const lookups = createEventLookups({ memory, findReply: async () => undefined })
  const { signal } = new AbortController()
  const subscribe = () => followConversation({ memory, lookups }, 'owner', ID, undefined, signal)
  return { subscribe, findInConversation, texts, lookUp: lookups.open('owner', ID, signal) }
}

function messageOf(id: string, text: string, tokens: number): Message {
  const parts = [{ type: 'text', text }]
  return { id, conversationId: ID, branch: '0', sequence: Number(id) + 1, tokens, parts } as Message
}

function eventsOf(count: number): ConversationEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'MessageAppended',
    messageId: String(index),
    cursor: cursorOf(index + 1),
  }))
}

function cursorOf(sequence: number): string {
  return formatCursor({ generation: '7', sequence })
}

/** As a stream of events that wait has them: each is there when it is asked for. */
function waitingEvents(events: readonly ConversationEvent[]): AsyncIterableIterator<ConversationEvent> {
  const values = events.values()
  return {
    next: async () => values.next(),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function collect(events: AsyncIterable<FollowedEvent>): Promise<FollowedEvent[]> {
  const collected: FollowedEvent[] = []
  for await (const event of events) collected.push(event)
  return collected
}

function textOf(event: FollowedEvent | undefined): string {
  const [part] = event !== undefined && 'message' in event ? event.message.parts : []
  return part?.type === 'text' ? part.text : 'none'
}

test('a heartbeat and a reset are no event that stands at their place', async () => {
  const events: ConversationEvent[] = [
    { type: 'MessageAppended', messageId: '1', cursor: '1-1' },
    { type: 'ConversationHeartbeat', cursor: '1-1' },
    { type: 'ConversationReset', cursor: '1-1' },
    { type: 'MessageAppended', messageId: '1', cursor: '1-1' },
  ]
  const { subscribe } = createWorld(events)
  const types = (await collect(await subscribe())).map(({ type }) => type)
  expect(types).toEqual(events.map(({ type }) => type))
})
