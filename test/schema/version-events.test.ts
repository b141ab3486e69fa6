import { expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import type { VersionEventsSubscription } from '../generated/graphql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { TRANSPORTS, type Transport } from '../support/graphql-client.ts'
import { readSent, sendMessage } from '../support/reply-operations.ts'
import { createScriptedModel } from '../support/scripted-model.ts'
import { startTestServer } from '../support/test-server.ts'
import { answer, edit, redactMessage, selectVersion, textsOf } from '../support/version-operations.ts'
import { startWireNodes } from '../support/wire-nodes.ts'

const versionEvents = graphql(`
  subscription VersionEvents($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      __typename
      ... on MessageAppended { message { id sequence content } }
      ... on MessageChanged { message { id sequence content status } }
      ... on BranchSelected { message { id sequence content versions } conversation { messageCount } }
    }
  }
`)

const messagesAfter = graphql(`
  query MessagesAfter($id: ID!, $after: String) {
    conversation(id: $id) { messages(first: 100, after: $after) { edges { cursor node { id sequence content } } } }
  }
`)

type VersionEvent = VersionEventsSubscription['conversationEvents']

test.each([
  { stores: 'one node', start: startLocalNode },
  { stores: 'another node', start: startNodes },
])('a tab on $stores that follows its events shows the active path', async ({ start }) => {
  for (const transport of TRANSPORTS) {
    const { client, follower, model } = await start()
    const id = await startConversation(client)
    const ids = await appendTexts(client, id, 'one', '1', 'two', '2')
    const tab = await openTab(follower, transport, id)
    const [zwei = ''] = await edit(client, id, ids[2] ?? '', 'zwei', 'II')
    expect(await tab.next(3)).toEqual(['BranchSelected 3 zwei of 4', 'MessageAppended zwei', 'MessageAppended II'])
    expect(tab.shown()).toEqual(['one', '1', 'zwei', 'II'])
    await client.get(selectVersion, { messageId: ids[2] ?? '' })
    expect(await tab.next(1)).toEqual(['BranchSelected 3 two of 4'])
    expect(tab.shown()).toEqual(['one', '1', 'two', '2'])
    const sent = readSent(client.streamBy(transport, sendMessage, { input: answer(id, ids[3]) }))
    ;(await model.nextCall()).answer('deux')
    await sent
    expect(await tab.next(4)).toEqual([
      'ReplyBegan',
      'BranchSelected 4 deux of 4',
      'MessageAppended deux',
      'ReplyEnded',
    ])
    await client.get(redactMessage, { id: ids[0] ?? '' })
    expect(await tab.next(1)).toEqual(['MessageChanged REDACTED'])
    await client.get(selectVersion, { messageId: zwei })
    expect(await tab.next(1)).toEqual(['BranchSelected 3 zwei of 4'])
    expect(tab.shown()).toEqual(['', '1', 'zwei', 'II'])
    expect(tab.shown()).toEqual(await textsOf(client, id))
    await tab.close()
  }
})

test('selecting what is shown already publishes nothing', async () => {
  const { client, follower } = await startLocalNode()
  const id = await startConversation(client)
  const [one = ''] = await appendTexts(client, id, 'one')
  const tab = await openTab(follower, 'SSE', id)
  await client.get(selectVersion, { messageId: one })
  await appendTexts(client, id, 'two')
  expect(await tab.next(1)).toEqual(['MessageAppended two'])
  await tab.close()
})

async function startLocalNode() {
  const model = createScriptedModel()
  const { client } = await startTestServer(undefined, { model })
  return { client, follower: client, model }
}

async function startNodes() {
  const { nodes, model } = await startWireNodes()
  return { client: nodes[0].client, follower: nodes[1].client, model }
}

/** A tab that shows a conversation as the descriptions of the events say; it follows when this returns. */
async function openTab(client: Awaited<ReturnType<typeof startNodes>>['follower'], by: Transport, id: string) {
  // A cursor that nobody knows is answered at once, by a reset.
  const events = client.streamBy(by, versionEvents, { id, after: 'unknown' })
  expect((await events.next()).value.data.conversationEvents.__typename).toBe('ConversationReset')
  let shown = await load(null)

  async function load(after: string | null) {
    const { conversation } = await client.get(messagesAfter, { id, after })
    return conversation?.messages.edges ?? []
  }

  async function show(event: VersionEvent): Promise<void> {
    if (event.__typename === 'BranchSelected') {
      const kept = shown.filter(({ node }) => node.sequence < event.message.sequence)
      shown = [...kept, ...(await load(kept.at(-1)?.cursor ?? null))]
    }
    if (event.__typename !== 'MessageAppended' && event.__typename !== 'MessageChanged') return
    const { message } = event
    const others = shown.filter(({ node }) => node.id !== message.id)
    const cursor = shown.find(({ node }) => node.id === message.id)?.cursor ?? ''
    shown = [...others, { cursor, node: message }].sort((one, other) => one.node.sequence - other.node.sequence)
  }

  return {
    shown: () => shown.map(({ node }) => node.content),
    async next(count: number): Promise<string[]> {
      const seen: VersionEvent[] = []
      while (seen.length < count) {
        const event = (await events.next()).value.data.conversationEvents
        await show(event)
        seen.push(event)
      }
      return seen.map(summary)
    },
    close: () => events.return(),
  }
}

function summary(event: VersionEvent): string {
  if (event.__typename === 'MessageAppended') return `MessageAppended ${event.message.content}`
  if (event.__typename === 'MessageChanged') return `MessageChanged ${event.message.status}`
  if (event.__typename !== 'BranchSelected') return event.__typename
  const { message, conversation } = event
  return `BranchSelected ${message.sequence} ${message.content} of ${conversation.messageCount}`
}
