import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import type { TabEventsSubscription } from '../generated/graphql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { type GraphqlClient, TRANSPORTS, type Transport } from '../support/graphql-client.ts'
import { ask, readSent, sendMessage } from '../support/reply-operations.ts'
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
    await followed(client, tab, id)
    const sent = readSent(client.streamBy(by, sendMessage, { input: ask(id, 'hello') }))
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

function openTab(client: GraphqlClient, by: Transport, id: string, after: string | null) {
  return client.streamBy(by, tabEvents, { id, after })
}

/** Renames until the tab gets an event: only then is it known to be subscribed. */
async function followed(client: GraphqlClient, tab: ReturnType<typeof openTab>, id: string): Promise<void> {
  const first = tab.next()
  let isThere = false
  void first.then(() => {
    isThere = true
  })
  let names = 0
  const rename = async () => {
    names += 1
    await client.get(renameTo, { id, title: `Name ${names}` })
    return isThere
  }
  await expect.poll(rename).toBe(true)
}

/** The next so many events; those of the renaming are passed over. */
async function take(tab: ReturnType<typeof openTab>, count: number): Promise<TabEvent[]> {
  const events: TabEvent[] = []
  while (events.length < count) {
    const event = (await tab.next()).value.data.conversationEvents
    if (event.__typename !== 'ConversationChanged') events.push(event)
  }
  return events
}

function summary(event: TabEvent): string {
  if (event.__typename === 'MessageAppended') return `MessageAppended ${event.message.content}`
  if (event.__typename === 'ReplyBegan') return `ReplyBegan ${event.reply.id}`
  if (event.__typename !== 'ReplyEnded') return event.__typename
  return `ReplyEnded ${event.reply.id} ${event.reply.status} ${event.reply.message?.content}`
}
