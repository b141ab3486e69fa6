import fc from 'fast-check'
import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import type { TabEventsSubscription } from '../generated/graphql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { type GraphqlClient, TRANSPORTS, type Transport } from '../support/graphql-client.ts'
import { questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

const tabEvents = graphql(`
  subscription TabEvents($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      __typename
      cursor
      ... on MessageAppended { message { content } }
      ... on ReplyBegan { reply { id question { content } } }
      ... on ReplyEnded { reply { id status message { content } } }
      ... on ConversationChanged { conversation { title } }
    }
  }
`)

const renameTo = graphql(`
  mutation RenameTo($id: ID!, $title: String!) {
    updateConversation(input: { id: $id, title: $title }) { __typename }
  }
`)

type TabEvent = TabEventsSubscription['conversationEvents']

test.each(TRANSPORTS)(
  'a tab on another node sees by %s what happens, in order, and again after any cursor',
  async (by) => {
    const { nodes, model } = await startWireNodes()
    const [{ client }, other] = nodes
    const id = await startConversation(client)
    const tab = openTab(other.client, by, id, null)
    expect((await tab.next()).value.data.conversationEvents.__typename).toBe('ConversationHeartbeat')
    const sent = readSent(client.streamBy(by, sendMessage, { input: questionInput(id, 'hello') }))
    const call = await model.nextCall()
    call.answer('hi')
    const replyId = (await sent)[0]?.replyId
    const seen = await take(tab, 4)
    expect(seen.map(summary)).toEqual([
      `ReplyBegan ${replyId}`,
      'MessageAppended hello',
      'MessageAppended hi',
      `ReplyEnded ${replyId} COMPLETED hi`,
    ])
    for (const node of nodes) {
      for (const transport of TRANSPORTS) {
        for (const [index, { cursor }] of seen.slice(0, -1).entries()) {
          const resumed = openTab(node.client, transport, id, cursor)
          const rest = seen.slice(index + 1)
          const again = await take(resumed, rest.length)
          expect(again.map(({ cursor }) => cursor)).toEqual(rest.map(({ cursor }) => cursor))
          expect(again.map(({ __typename }) => __typename)).toEqual(rest.map(({ __typename }) => __typename))
          await resumed.return()
        }
      }
    }
    await tab.return()
  },
)

const loadConversation = graphql(`
  query LoadConversation($id: ID!) {
    conversation(id: $id) {
      cursor
      title
      messages(first: 100) { edges { node { id } } }
    }
  }
`)

const eventsSince = graphql(`
  subscription EventsSince($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      __typename
      ... on MessageAppended { message { id } }
      ... on ConversationChanged { conversation { title } }
    }
  }
`)

test('between loading a conversation and subscribing after its cursor nothing is lost, whatever happens', async () => {
  const { nodes } = await startWireNodes()
  const step = fc.record({ kind: fc.constantFrom('append', 'rename', 'load'), at: fc.nat(1) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
      const id = await startConversation(nodes[0].client)
      const work: Promise<unknown>[] = []
      const loads: ReturnType<typeof load>[] = []
      for (const [index, { kind, at }] of [...steps, { kind: 'load', at: 0 as const }].entries()) {
        const { client } = nodes[at] ?? nodes[0]
        if (kind === 'append') work.push(appendTexts(client, id, `${index}`))
        else if (kind === 'rename') work.push(client.get(renameTo, { id, title: `Title ${index}` }))
        else loads.push(load(client, id))
      }
      const loaded = await Promise.all(loads)
      await Promise.all(work)
      const now = await load(nodes[0].client, id)
      for (const [index, { cursor, ids, title }] of loaded.entries()) {
        const missing = new Set(now.ids.filter((each) => !ids.includes(each)))
        const { client } = nodes[index % 2] ?? nodes[0]
        await readUntilComplete(client, id, cursor, missing, title === now.title ? undefined : now.title)
      }
    }),
    { numRuns: 15 },
  )
})

async function load(client: GraphqlClient, id: string) {
  const { conversation } = await client.get(loadConversation, { id })
  if (conversation === null) throw new Error('The conversation is gone')
  const { cursor, title, messages } = conversation
  return { cursor, title, ids: messages.edges.map(({ node }) => node.id) }
}

/** Ends once the events after the cursor have brought all that the load before lacks; hangs if they never do. */
async function readUntilComplete(
  client: GraphqlClient,
  id: string,
  cursor: string,
  missing: Set<string>,
  title: string | null | undefined,
): Promise<void> {
  const events = client.streamBySse(eventsSince, { id, after: cursor })
  let awaited = title
  while (missing.size > 0 || awaited !== undefined) {
    const event = (await events.next()).value.data.conversationEvents
    expect(event.__typename).not.toBe('ConversationReset')
    if (event.__typename === 'MessageAppended') missing.delete(event.message.id)
    if (event.__typename === 'ConversationChanged' && event.conversation.title === awaited) awaited = undefined
  }
  await events.return?.()
}

function openTab(client: GraphqlClient, by: Transport, id: string, after: string | null) {
  return client.streamBy(by, tabEvents, { id, after })
}

/** The next so many events. */
async function take(tab: ReturnType<typeof openTab>, count: number): Promise<TabEvent[]> {
  const events: TabEvent[] = []
  while (events.length < count) {
    events.push((await tab.next()).value.data.conversationEvents)
  }
  return events
}

function summary(event: TabEvent): string {
  if (event.__typename === 'MessageAppended') return `MessageAppended ${event.message.content}`
  if (event.__typename === 'ReplyBegan') return `ReplyBegan ${event.reply.id}`
  if (event.__typename !== 'ReplyEnded') return event.__typename
  return `ReplyEnded ${event.reply.id} ${event.reply.status} ${event.reply.message?.content}`
}
