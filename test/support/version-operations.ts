import { randomUUID } from 'node:crypto'
import { graphql } from '../generated/gql.ts'
import type { ReadPathQuery, SendMessageInput } from '../generated/graphql.ts'
import { appendMessages } from './conversation-operations.ts'
import type { GraphqlClient } from './graphql-client.ts'

export const selectVersion = graphql(`
  mutation SelectVersion($messageId: ID!) {
    selectVersion(messageId: $messageId) {
      __typename
      ... on SelectVersionSuccess {
        message { id content }
        conversation { messageCount tokenCount messages(first: 100) { nodes { content } } recentContext { messages { content } } }
      }
      ... on Error { code detail }
      ... on HistoryUnavailableError { retryable }
    }
  }
`)

export const redactMessage = graphql(`
  mutation RedactMessage($id: ID!) {
    redactMessage(id: $id) {
      __typename
      ... on RedactMessageSuccess {
        message {
          id
          content
          status
          tokenCount
          metadata
          parts {
            __typename
            ... on ToolCallPart { toolCallId toolName arguments }
            ... on ToolResultPart { toolCallId output }
          }
        }
      }
      ... on Error { code detail }
      ... on HistoryUnavailableError { retryable }
    }
  }
`)

const readPath = graphql(`
  query ReadPath($id: ID!) {
    conversation(id: $id) {
      messageCount
      tokenCount
      messages(first: 100) { nodes { id sequence content tokenCount versions } }
      recentContext { messages { content } tokenCount omittedCount }
    }
  }
`)

const readVersions = graphql(`
  query ReadVersions($ids: [ID!]!) {
    nodes(ids: $ids) { __typename ... on Message { content versions } }
  }
`)

export type PathMessage = NonNullable<ReadPathQuery['conversation']>['messages']['nodes'][number]

/** The messages of the active path; throws unless context and counts are of the same path. */
export async function pathOf(client: GraphqlClient, id: string): Promise<PathMessage[]> {
  const { conversation } = await client.get(readPath, { id })
  if (conversation === null || conversation === undefined) throw new Error(`No conversation ${id}`)
  const { messages, messageCount, tokenCount, recentContext } = conversation
  const answered = { messageCount, tokenCount, context: recentContext.messages.map(({ content }) => content) }
  const { nodes } = messages
  const tokens = nodes.reduce((sum, message) => sum + message.tokenCount, 0)
  const seen = { messageCount: nodes.length, tokenCount: tokens, context: nodes.map(({ content }) => content) }
  if (JSON.stringify(answered) !== JSON.stringify(seen)) {
    throw new Error(`${JSON.stringify(answered)} of a path of ${JSON.stringify(seen)}`)
  }
  if (nodes.some(({ sequence }, index) => sequence !== index + 1)) throw new Error('The sequences have gaps')
  return nodes
}

/** What the messages of the active path say. */
export async function textsOf(client: GraphqlClient, id: string): Promise<string[]> {
  return (await pathOf(client, id)).map(({ content }) => content)
}

/** What the versions of a message say, as each of them lists them; throws unless all list the same. */
export async function versionsOf(client: GraphqlClient, id: string): Promise<string[]> {
  const [asked] = await messagesOf(client, [id])
  const versions = await messagesOf(client, asked?.versions ?? [])
  for (const version of versions) {
    if (String(version.versions) !== String(asked?.versions)) throw new Error(`${id} has other versions`)
  }
  return versions.map(({ content }) => content)
}

/** The ids of messages that take the place of one, said by the user in turn with the model. */
export async function edit(
  client: GraphqlClient,
  conversationId: string,
  replaces: string,
  ...texts: string[]
): Promise<string[]> {
  const messages = texts.map((content, index) => ({
    role: index % 2 ? ('ASSISTANT' as const) : ('USER' as const),
    content,
  }))
  const { appendMessages: result } = await client.get(appendMessages, { input: { conversationId, messages, replaces } })
  if (result.__typename !== 'AppendMessagesSuccess') throw new Error(JSON.stringify(result))
  return result.messages.map(({ id }) => id)
}

/** A send without a message of its own: another answer in the place of one, or going on. */
export function answer(conversationId: string, replaces?: string): SendMessageInput {
  return { conversationId, clientMessageId: randomUUID(), ...(replaces !== undefined && { replaces }) }
}

async function messagesOf(client: GraphqlClient, ids: string[]): Promise<{ content: string; versions: string[] }[]> {
  const { nodes } = await client.get(readVersions, { ids })
  return nodes.map((node) => {
    if (node?.__typename !== 'Message') throw new Error(`No message among ${ids}`)
    return node
  })
}
