/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.CreateConversationDocument,
    "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.AppendMessagesDocument,
};
const documents: Documents = {
    "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.CreateConversationDocument,
    "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.AppendMessagesDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').CreateConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').AppendMessagesDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
