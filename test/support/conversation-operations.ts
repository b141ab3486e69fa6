import { graphql } from '../generated/gql.ts'
import type { GraphqlClient } from './graphql-client.ts'

export const createConversation = graphql(`
  mutation CreateConversation($input: CreateConversationInput!) {
    createConversation(input: $input) {
      __typename
      ... on CreateConversationSuccess {
        created
        conversation {
          id
          externalId
          title
          model
          instructions
          encoding
          metadata
          messageCount
          tokenCount
          createdAt
          lastMessageAt
          archivedAt
          expiresAt
        }
      }
      ... on Error { code detail }
      ... on InvalidInputError { field }
      ... on ExternalIdTakenError { conversationId }
      ... on HistoryUnavailableError { retryable }
    }
  }
`)

export const appendMessages = graphql(`
  mutation AppendMessages($input: AppendMessagesInput!) {
    appendMessages(input: $input) {
      __typename
      ... on AppendMessagesSuccess {
        created
        messages {
          id
          sequence
          role
          status
          content
          author
          replyTo
          versions
          metadata
          tokenCount
          createdAt
          clientMessageId
          finishReason
          model
          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }
          parts {
            __typename
            providerMetadata
            ... on TextPart { text }
            ... on ReasoningPart { text }
            ... on ToolCallPart { toolCallId toolName arguments }
            ... on ToolResultPart { toolCallId resultOf: toolName output isError }
            ... on FilePart { url mediaType filename }
            ... on DataPart { name data }
          }
        }
        conversation { id messageCount tokenCount }
      }
      ... on Error { code detail }
      ... on InvalidInputError { field }
      ... on ClientMessageIdConflictError { clientMessageId messageId }
      ... on HistoryUnavailableError { retryable }
    }
  }
`)

/** The id of a new conversation. */
export async function startConversation(client: GraphqlClient, input = {}): Promise<string> {
  const { createConversation: result } = await client.get(createConversation, { input })
  if (result.__typename !== 'CreateConversationSuccess') throw new Error(JSON.stringify(result))
  return result.conversation.id
}

/** The ids of the messages, said by the user in turn with the model. */
export async function appendTexts(
  client: GraphqlClient,
  conversationId: string,
  ...texts: string[]
): Promise<string[]> {
  const messages = texts.map((content, index) => ({
    role: index % 2 ? ('ASSISTANT' as const) : ('USER' as const),
    content,
  }))
  const { appendMessages: result } = await client.get(appendMessages, { input: { conversationId, messages } })
  if (result.__typename !== 'AppendMessagesSuccess') throw new Error(JSON.stringify(result))
  return result.messages.map(({ id }) => id)
}
