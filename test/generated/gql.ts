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
    "\n  query ReloadConversation($id: ID!) {\n    conversation(id: $id) {\n      lastReply {\n        id status text cursor\n        question { content reply { id } }\n        message { content reply { id } }\n        error { code detail retryable retryAfterMs }\n      }\n    }\n  }\n": typeof types.ReloadConversationDocument,
    "\n  query Sidebar {\n    conversations(first: 100) {\n      nodes { id title messageCount tokenCount activeReply { id status } }\n    }\n  }\n": typeof types.SidebarDocument,
    "\n  mutation StartedReply($id: ID!) {\n    startReply(input: { conversationId: $id, clientMessageId: \"1\", content: \"q\" }) {\n      __typename\n      ... on StartReplySuccess { reply { id } }\n    }\n  }\n": typeof types.StartedReplyDocument,
    "\n  query RepliesById($ids: [ID!]!) {\n    nodes(ids: $ids) { id ... on Reply { status } }\n  }\n": typeof types.RepliesByIdDocument,
    "\n  query Messages($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        edges { cursor node { content } }\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n": typeof types.MessagesDocument,
    "\n  query Conversations($first: Int, $after: String, $last: Int, $before: String, $archived: Boolean) {\n    conversations(first: $first, after: $after, last: $last, before: $before, archived: $archived) {\n      edges { cursor node { id } }\n      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n    }\n  }\n": typeof types.ConversationsDocument,
    "\n  mutation Archive($id: ID!) {\n    updateConversation(input: { id: $id, archived: true }) { __typename }\n  }\n": typeof types.ArchiveDocument,
    "\n  subscription TabEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content } }\n      ... on ReplyBegan { reply { id question { content } } }\n      ... on ReplyEnded { reply { id status message { content } } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n": typeof types.TabEventsDocument,
    "\n  mutation RenameTo($id: ID!, $title: String!) {\n    updateConversation(input: { id: $id, title: $title }) { __typename }\n  }\n": typeof types.RenameToDocument,
    "\n  query LoadConversation($id: ID!) {\n    conversation(id: $id) {\n      cursor\n      title\n      messages(first: 100) { edges { node { id } } }\n    }\n  }\n": typeof types.LoadConversationDocument,
    "\n  subscription EventsSince($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n": typeof types.EventsSinceDocument,
    "\n  subscription ConversationEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content versions } }\n      ... on MessageChanged { message { metadata } }\n      ... on ConversationChanged { conversation { title messageCount recentContext { tokenCount } } }\n    }\n  }\n": typeof types.ConversationEventsDocument,
    "\n  mutation LikeMessage($messageId: ID!) {\n    updateMessage(input: { id: $messageId, metadata: { liked: true } }) { __typename }\n  }\n": typeof types.LikeMessageDocument,
    "\n  mutation RenameConversation($id: ID!) {\n    updateConversation(input: { id: $id, title: \"New\" }) { __typename }\n  }\n": typeof types.RenameConversationDocument,
    "\n  mutation RemoveConversation($id: ID!) {\n    deleteConversation(id: $id) { __typename }\n  }\n": typeof types.RemoveConversationDocument,
    "\n  query FindConversation($id: ID, $externalId: String) {\n    conversation(id: $id, externalId: $externalId) {\n      id\n      title\n      messageCount\n      tokenCount\n      lastMessageAt\n      archivedAt\n    }\n  }\n": typeof types.FindConversationDocument,
    "\n  mutation UpdateConversation($input: UpdateConversationInput!) {\n    updateConversation(input: $input) {\n      __typename\n      ... on UpdateConversationSuccess {\n        conversation { id title model instructions metadata archivedAt expiresAt }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n": typeof types.UpdateConversationDocument,
    "\n  mutation DeleteConversation($id: ID!) {\n    deleteConversation(id: $id) {\n      __typename\n      ... on DeleteConversationSuccess { deletedId }\n      ... on Error { code detail }\n    }\n  }\n": typeof types.DeleteConversationDocument,
    "\n  mutation AppendInTurn($input: AppendMessagesInput!) {\n    appendMessages(input: $input) { __typename ... on Error { code detail } ... on RateLimitedError { retryAfterMs } }\n  }\n": typeof types.AppendInTurnDocument,
    "\n  mutation StartInTurn($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on Error { code detail }\n      ... on RateLimitedError { retryAfterMs }\n      ... on ReplyRejectedError { retryAfterMs }\n    }\n  }\n": typeof types.StartInTurnDocument,
    "\n  subscription WatchMessages($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on MessageAppended { message { content versions } }\n    }\n  }\n": typeof types.WatchMessagesDocument,
    "\n  mutation UpdateMessage($input: UpdateMessageInput!) {\n    updateMessage(input: $input) {\n      __typename\n      ... on UpdateMessageSuccess { message { id metadata } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n": typeof types.UpdateMessageDocument,
    "\n  query Node($id: ID!) {\n    node(id: $id) { __typename id ... on Message { content } ... on Conversation { title } }\n  }\n": typeof types.NodeDocument,
    "\n  query Nodes($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename id }\n  }\n": typeof types.NodesDocument,
    "\n  query RecentContext(\n    $conversationId: ID!\n    $maxTokens: Int\n    $startOn: ContextStart\n    $anchor: Float\n    $consistency: Consistency\n  ) {\n    recentContext(\n      conversationId: $conversationId\n      maxTokens: $maxTokens\n      startOn: $startOn\n      anchor: $anchor\n      consistency: $consistency\n    ) {\n      tokenCount\n      maxTokens\n      tokensExact\n      omittedCount\n      omittedTokens\n      cut\n      source\n      chatMessages\n      messages { sequence content }\n      conversation { id title }\n    }\n  }\n": typeof types.RecentContextDocument,
    "\n  query ContextOfConversation($id: ID!) {\n    conversation(id: $id) {\n      recentContext { messages { content } }\n      small: recentContext(maxTokens: 5) { cut messages { content } }\n    }\n  }\n": typeof types.ContextOfConversationDocument,
    "\n  query ContextAsSent($id: ID!) {\n    recentContext(conversationId: $id) { source chatMessages tokenCount messages { content status } }\n  }\n": typeof types.ContextAsSentDocument,
    "\n  query ActiveReply($id: ID!) {\n    conversation(id: $id) { activeReply { id text } }\n  }\n": typeof types.ActiveReplyDocument,
    "\n  subscription ReplyEvents($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on ReplyBegan { reply { id } }\n      ... on ReplyEnded { reply { id status message { content } } }\n    }\n  }\n": typeof types.ReplyEventsDocument,
    "\n  query LastReplies {\n    conversations(first: 10) { nodes { id lastReply { text message { content } } } }\n  }\n": typeof types.LastRepliesDocument,
    "\n  query LastMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 10) { nodes { role content status clientMessageId } } }\n  }\n": typeof types.LastMessagesDocument,
    "\n  subscription VersionEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id sequence content } }\n      ... on MessageChanged { message { id sequence content status } }\n      ... on BranchSelected { message { id sequence content versions } conversation { messageCount } }\n    }\n  }\n": typeof types.VersionEventsDocument,
    "\n  query MessagesAfter($id: ID!, $after: String) {\n    conversation(id: $id) { messages(first: 100, after: $after) { edges { cursor node { id sequence content } } } }\n  }\n": typeof types.MessagesAfterDocument,
    "\n  query TwoPaths($one: ID!, $two: ID!) {\n    one: recentContext(conversationId: $one) { source messages { versions } }\n    two: recentContext(conversationId: $two) { source messages { versions } }\n  }\n": typeof types.TwoPathsDocument,
    "\n  query PathPage($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n": typeof types.PathPageDocument,
    "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.CreateConversationDocument,
    "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.AppendMessagesDocument,
    "\n  subscription SendMessage($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyQueued { position }\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n": typeof types.SendMessageDocument,
    "\n  subscription FollowReply($id: ID, $conversationId: ID, $after: String) {\n    reply(id: $id, conversationId: $conversationId, after: $after) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n": typeof types.FollowReplyDocument,
    "\n  mutation StartReply($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on StartReplySuccess { reply { id status text cursor endedAt question { content } message { content } } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ReplyRejectedError { activeReplyId retryAfterMs }\n    }\n  }\n": typeof types.StartReplyDocument,
    "\n  mutation CancelReply($id: ID!) {\n    cancelReply(id: $id) {\n      __typename\n      ... on CancelReplySuccess { reply { id status } }\n      ... on Error { code detail }\n    }\n  }\n": typeof types.CancelReplyDocument,
    "\n  query ReadReply($id: ID!) {\n    reply(id: $id) { id status text cursor startedAt endedAt question { content } message { content status } }\n    node(id: $id) { __typename id }\n  }\n": typeof types.ReadReplyDocument,
    "\n  query StoredMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 100) { nodes { content } } }\n  }\n": typeof types.StoredMessagesDocument,
    "\n  mutation SelectVersion($messageId: ID!) {\n    selectVersion(messageId: $messageId) {\n      __typename\n      ... on SelectVersionSuccess {\n        message { id content }\n        conversation { messageCount tokenCount messages(first: 100) { nodes { content } } recentContext { messages { content } } }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.SelectVersionDocument,
    "\n  mutation RedactMessage($id: ID!) {\n    redactMessage(id: $id) {\n      __typename\n      ... on RedactMessageSuccess {\n        message {\n          id\n          content\n          status\n          tokenCount\n          metadata\n          parts {\n            __typename\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId output }\n          }\n        }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": typeof types.RedactMessageDocument,
    "\n  query ReadPath($id: ID!) {\n    conversation(id: $id) {\n      messageCount\n      tokenCount\n      messages(first: 100) { nodes { id sequence content tokenCount versions } }\n      recentContext { messages { content } tokenCount omittedCount }\n    }\n  }\n": typeof types.ReadPathDocument,
    "\n  query ReadVersions($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename ... on Message { content versions } }\n  }\n": typeof types.ReadVersionsDocument,
};
const documents: Documents = {
    "\n  query ReloadConversation($id: ID!) {\n    conversation(id: $id) {\n      lastReply {\n        id status text cursor\n        question { content reply { id } }\n        message { content reply { id } }\n        error { code detail retryable retryAfterMs }\n      }\n    }\n  }\n": types.ReloadConversationDocument,
    "\n  query Sidebar {\n    conversations(first: 100) {\n      nodes { id title messageCount tokenCount activeReply { id status } }\n    }\n  }\n": types.SidebarDocument,
    "\n  mutation StartedReply($id: ID!) {\n    startReply(input: { conversationId: $id, clientMessageId: \"1\", content: \"q\" }) {\n      __typename\n      ... on StartReplySuccess { reply { id } }\n    }\n  }\n": types.StartedReplyDocument,
    "\n  query RepliesById($ids: [ID!]!) {\n    nodes(ids: $ids) { id ... on Reply { status } }\n  }\n": types.RepliesByIdDocument,
    "\n  query Messages($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        edges { cursor node { content } }\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n": types.MessagesDocument,
    "\n  query Conversations($first: Int, $after: String, $last: Int, $before: String, $archived: Boolean) {\n    conversations(first: $first, after: $after, last: $last, before: $before, archived: $archived) {\n      edges { cursor node { id } }\n      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n    }\n  }\n": types.ConversationsDocument,
    "\n  mutation Archive($id: ID!) {\n    updateConversation(input: { id: $id, archived: true }) { __typename }\n  }\n": types.ArchiveDocument,
    "\n  subscription TabEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content } }\n      ... on ReplyBegan { reply { id question { content } } }\n      ... on ReplyEnded { reply { id status message { content } } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n": types.TabEventsDocument,
    "\n  mutation RenameTo($id: ID!, $title: String!) {\n    updateConversation(input: { id: $id, title: $title }) { __typename }\n  }\n": types.RenameToDocument,
    "\n  query LoadConversation($id: ID!) {\n    conversation(id: $id) {\n      cursor\n      title\n      messages(first: 100) { edges { node { id } } }\n    }\n  }\n": types.LoadConversationDocument,
    "\n  subscription EventsSince($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n": types.EventsSinceDocument,
    "\n  subscription ConversationEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content versions } }\n      ... on MessageChanged { message { metadata } }\n      ... on ConversationChanged { conversation { title messageCount recentContext { tokenCount } } }\n    }\n  }\n": types.ConversationEventsDocument,
    "\n  mutation LikeMessage($messageId: ID!) {\n    updateMessage(input: { id: $messageId, metadata: { liked: true } }) { __typename }\n  }\n": types.LikeMessageDocument,
    "\n  mutation RenameConversation($id: ID!) {\n    updateConversation(input: { id: $id, title: \"New\" }) { __typename }\n  }\n": types.RenameConversationDocument,
    "\n  mutation RemoveConversation($id: ID!) {\n    deleteConversation(id: $id) { __typename }\n  }\n": types.RemoveConversationDocument,
    "\n  query FindConversation($id: ID, $externalId: String) {\n    conversation(id: $id, externalId: $externalId) {\n      id\n      title\n      messageCount\n      tokenCount\n      lastMessageAt\n      archivedAt\n    }\n  }\n": types.FindConversationDocument,
    "\n  mutation UpdateConversation($input: UpdateConversationInput!) {\n    updateConversation(input: $input) {\n      __typename\n      ... on UpdateConversationSuccess {\n        conversation { id title model instructions metadata archivedAt expiresAt }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n": types.UpdateConversationDocument,
    "\n  mutation DeleteConversation($id: ID!) {\n    deleteConversation(id: $id) {\n      __typename\n      ... on DeleteConversationSuccess { deletedId }\n      ... on Error { code detail }\n    }\n  }\n": types.DeleteConversationDocument,
    "\n  mutation AppendInTurn($input: AppendMessagesInput!) {\n    appendMessages(input: $input) { __typename ... on Error { code detail } ... on RateLimitedError { retryAfterMs } }\n  }\n": types.AppendInTurnDocument,
    "\n  mutation StartInTurn($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on Error { code detail }\n      ... on RateLimitedError { retryAfterMs }\n      ... on ReplyRejectedError { retryAfterMs }\n    }\n  }\n": types.StartInTurnDocument,
    "\n  subscription WatchMessages($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on MessageAppended { message { content versions } }\n    }\n  }\n": types.WatchMessagesDocument,
    "\n  mutation UpdateMessage($input: UpdateMessageInput!) {\n    updateMessage(input: $input) {\n      __typename\n      ... on UpdateMessageSuccess { message { id metadata } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n": types.UpdateMessageDocument,
    "\n  query Node($id: ID!) {\n    node(id: $id) { __typename id ... on Message { content } ... on Conversation { title } }\n  }\n": types.NodeDocument,
    "\n  query Nodes($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename id }\n  }\n": types.NodesDocument,
    "\n  query RecentContext(\n    $conversationId: ID!\n    $maxTokens: Int\n    $startOn: ContextStart\n    $anchor: Float\n    $consistency: Consistency\n  ) {\n    recentContext(\n      conversationId: $conversationId\n      maxTokens: $maxTokens\n      startOn: $startOn\n      anchor: $anchor\n      consistency: $consistency\n    ) {\n      tokenCount\n      maxTokens\n      tokensExact\n      omittedCount\n      omittedTokens\n      cut\n      source\n      chatMessages\n      messages { sequence content }\n      conversation { id title }\n    }\n  }\n": types.RecentContextDocument,
    "\n  query ContextOfConversation($id: ID!) {\n    conversation(id: $id) {\n      recentContext { messages { content } }\n      small: recentContext(maxTokens: 5) { cut messages { content } }\n    }\n  }\n": types.ContextOfConversationDocument,
    "\n  query ContextAsSent($id: ID!) {\n    recentContext(conversationId: $id) { source chatMessages tokenCount messages { content status } }\n  }\n": types.ContextAsSentDocument,
    "\n  query ActiveReply($id: ID!) {\n    conversation(id: $id) { activeReply { id text } }\n  }\n": types.ActiveReplyDocument,
    "\n  subscription ReplyEvents($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on ReplyBegan { reply { id } }\n      ... on ReplyEnded { reply { id status message { content } } }\n    }\n  }\n": types.ReplyEventsDocument,
    "\n  query LastReplies {\n    conversations(first: 10) { nodes { id lastReply { text message { content } } } }\n  }\n": types.LastRepliesDocument,
    "\n  query LastMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 10) { nodes { role content status clientMessageId } } }\n  }\n": types.LastMessagesDocument,
    "\n  subscription VersionEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id sequence content } }\n      ... on MessageChanged { message { id sequence content status } }\n      ... on BranchSelected { message { id sequence content versions } conversation { messageCount } }\n    }\n  }\n": types.VersionEventsDocument,
    "\n  query MessagesAfter($id: ID!, $after: String) {\n    conversation(id: $id) { messages(first: 100, after: $after) { edges { cursor node { id sequence content } } } }\n  }\n": types.MessagesAfterDocument,
    "\n  query TwoPaths($one: ID!, $two: ID!) {\n    one: recentContext(conversationId: $one) { source messages { versions } }\n    two: recentContext(conversationId: $two) { source messages { versions } }\n  }\n": types.TwoPathsDocument,
    "\n  query PathPage($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n": types.PathPageDocument,
    "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.CreateConversationDocument,
    "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.AppendMessagesDocument,
    "\n  subscription SendMessage($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyQueued { position }\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n": types.SendMessageDocument,
    "\n  subscription FollowReply($id: ID, $conversationId: ID, $after: String) {\n    reply(id: $id, conversationId: $conversationId, after: $after) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n": types.FollowReplyDocument,
    "\n  mutation StartReply($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on StartReplySuccess { reply { id status text cursor endedAt question { content } message { content } } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ReplyRejectedError { activeReplyId retryAfterMs }\n    }\n  }\n": types.StartReplyDocument,
    "\n  mutation CancelReply($id: ID!) {\n    cancelReply(id: $id) {\n      __typename\n      ... on CancelReplySuccess { reply { id status } }\n      ... on Error { code detail }\n    }\n  }\n": types.CancelReplyDocument,
    "\n  query ReadReply($id: ID!) {\n    reply(id: $id) { id status text cursor startedAt endedAt question { content } message { content status } }\n    node(id: $id) { __typename id }\n  }\n": types.ReadReplyDocument,
    "\n  query StoredMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 100) { nodes { content } } }\n  }\n": types.StoredMessagesDocument,
    "\n  mutation SelectVersion($messageId: ID!) {\n    selectVersion(messageId: $messageId) {\n      __typename\n      ... on SelectVersionSuccess {\n        message { id content }\n        conversation { messageCount tokenCount messages(first: 100) { nodes { content } } recentContext { messages { content } } }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.SelectVersionDocument,
    "\n  mutation RedactMessage($id: ID!) {\n    redactMessage(id: $id) {\n      __typename\n      ... on RedactMessageSuccess {\n        message {\n          id\n          content\n          status\n          tokenCount\n          metadata\n          parts {\n            __typename\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId output }\n          }\n        }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n": types.RedactMessageDocument,
    "\n  query ReadPath($id: ID!) {\n    conversation(id: $id) {\n      messageCount\n      tokenCount\n      messages(first: 100) { nodes { id sequence content tokenCount versions } }\n      recentContext { messages { content } tokenCount omittedCount }\n    }\n  }\n": types.ReadPathDocument,
    "\n  query ReadVersions($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename ... on Message { content versions } }\n  }\n": types.ReadVersionsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReloadConversation($id: ID!) {\n    conversation(id: $id) {\n      lastReply {\n        id status text cursor\n        question { content reply { id } }\n        message { content reply { id } }\n        error { code detail retryable retryAfterMs }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ReloadConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Sidebar {\n    conversations(first: 100) {\n      nodes { id title messageCount tokenCount activeReply { id status } }\n    }\n  }\n"): typeof import('./graphql.ts').SidebarDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation StartedReply($id: ID!) {\n    startReply(input: { conversationId: $id, clientMessageId: \"1\", content: \"q\" }) {\n      __typename\n      ... on StartReplySuccess { reply { id } }\n    }\n  }\n"): typeof import('./graphql.ts').StartedReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RepliesById($ids: [ID!]!) {\n    nodes(ids: $ids) { id ... on Reply { status } }\n  }\n"): typeof import('./graphql.ts').RepliesByIdDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Messages($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        edges { cursor node { content } }\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').MessagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Conversations($first: Int, $after: String, $last: Int, $before: String, $archived: Boolean) {\n    conversations(first: $first, after: $after, last: $last, before: $before, archived: $archived) {\n      edges { cursor node { id } }\n      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n    }\n  }\n"): typeof import('./graphql.ts').ConversationsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Archive($id: ID!) {\n    updateConversation(input: { id: $id, archived: true }) { __typename }\n  }\n"): typeof import('./graphql.ts').ArchiveDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TabEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content } }\n      ... on ReplyBegan { reply { id question { content } } }\n      ... on ReplyEnded { reply { id status message { content } } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n"): typeof import('./graphql.ts').TabEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RenameTo($id: ID!, $title: String!) {\n    updateConversation(input: { id: $id, title: $title }) { __typename }\n  }\n"): typeof import('./graphql.ts').RenameToDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LoadConversation($id: ID!) {\n    conversation(id: $id) {\n      cursor\n      title\n      messages(first: 100) { edges { node { id } } }\n    }\n  }\n"): typeof import('./graphql.ts').LoadConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription EventsSince($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id } }\n      ... on ConversationChanged { conversation { title } }\n    }\n  }\n"): typeof import('./graphql.ts').EventsSinceDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription ConversationEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      cursor\n      ... on MessageAppended { message { content versions } }\n      ... on MessageChanged { message { metadata } }\n      ... on ConversationChanged { conversation { title messageCount recentContext { tokenCount } } }\n    }\n  }\n"): typeof import('./graphql.ts').ConversationEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LikeMessage($messageId: ID!) {\n    updateMessage(input: { id: $messageId, metadata: { liked: true } }) { __typename }\n  }\n"): typeof import('./graphql.ts').LikeMessageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RenameConversation($id: ID!) {\n    updateConversation(input: { id: $id, title: \"New\" }) { __typename }\n  }\n"): typeof import('./graphql.ts').RenameConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RemoveConversation($id: ID!) {\n    deleteConversation(id: $id) { __typename }\n  }\n"): typeof import('./graphql.ts').RemoveConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FindConversation($id: ID, $externalId: String) {\n    conversation(id: $id, externalId: $externalId) {\n      id\n      title\n      messageCount\n      tokenCount\n      lastMessageAt\n      archivedAt\n    }\n  }\n"): typeof import('./graphql.ts').FindConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateConversation($input: UpdateConversationInput!) {\n    updateConversation(input: $input) {\n      __typename\n      ... on UpdateConversationSuccess {\n        conversation { id title model instructions metadata archivedAt expiresAt }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n"): typeof import('./graphql.ts').UpdateConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteConversation($id: ID!) {\n    deleteConversation(id: $id) {\n      __typename\n      ... on DeleteConversationSuccess { deletedId }\n      ... on Error { code detail }\n    }\n  }\n"): typeof import('./graphql.ts').DeleteConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AppendInTurn($input: AppendMessagesInput!) {\n    appendMessages(input: $input) { __typename ... on Error { code detail } ... on RateLimitedError { retryAfterMs } }\n  }\n"): typeof import('./graphql.ts').AppendInTurnDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation StartInTurn($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on Error { code detail }\n      ... on RateLimitedError { retryAfterMs }\n      ... on ReplyRejectedError { retryAfterMs }\n    }\n  }\n"): typeof import('./graphql.ts').StartInTurnDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription WatchMessages($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on MessageAppended { message { content versions } }\n    }\n  }\n"): typeof import('./graphql.ts').WatchMessagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateMessage($input: UpdateMessageInput!) {\n    updateMessage(input: $input) {\n      __typename\n      ... on UpdateMessageSuccess { message { id metadata } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n    }\n  }\n"): typeof import('./graphql.ts').UpdateMessageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Node($id: ID!) {\n    node(id: $id) { __typename id ... on Message { content } ... on Conversation { title } }\n  }\n"): typeof import('./graphql.ts').NodeDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Nodes($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename id }\n  }\n"): typeof import('./graphql.ts').NodesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecentContext(\n    $conversationId: ID!\n    $maxTokens: Int\n    $startOn: ContextStart\n    $anchor: Float\n    $consistency: Consistency\n  ) {\n    recentContext(\n      conversationId: $conversationId\n      maxTokens: $maxTokens\n      startOn: $startOn\n      anchor: $anchor\n      consistency: $consistency\n    ) {\n      tokenCount\n      maxTokens\n      tokensExact\n      omittedCount\n      omittedTokens\n      cut\n      source\n      chatMessages\n      messages { sequence content }\n      conversation { id title }\n    }\n  }\n"): typeof import('./graphql.ts').RecentContextDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ContextOfConversation($id: ID!) {\n    conversation(id: $id) {\n      recentContext { messages { content } }\n      small: recentContext(maxTokens: 5) { cut messages { content } }\n    }\n  }\n"): typeof import('./graphql.ts').ContextOfConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ContextAsSent($id: ID!) {\n    recentContext(conversationId: $id) { source chatMessages tokenCount messages { content status } }\n  }\n"): typeof import('./graphql.ts').ContextAsSentDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ActiveReply($id: ID!) {\n    conversation(id: $id) { activeReply { id text } }\n  }\n"): typeof import('./graphql.ts').ActiveReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription ReplyEvents($id: ID!) {\n    conversationEvents(conversationId: $id) {\n      __typename\n      ... on ReplyBegan { reply { id } }\n      ... on ReplyEnded { reply { id status message { content } } }\n    }\n  }\n"): typeof import('./graphql.ts').ReplyEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LastReplies {\n    conversations(first: 10) { nodes { id lastReply { text message { content } } } }\n  }\n"): typeof import('./graphql.ts').LastRepliesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LastMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 10) { nodes { role content status clientMessageId } } }\n  }\n"): typeof import('./graphql.ts').LastMessagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription VersionEvents($id: ID!, $after: String) {\n    conversationEvents(conversationId: $id, after: $after) {\n      __typename\n      ... on MessageAppended { message { id sequence content } }\n      ... on MessageChanged { message { id sequence content status } }\n      ... on BranchSelected { message { id sequence content versions } conversation { messageCount } }\n    }\n  }\n"): typeof import('./graphql.ts').VersionEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MessagesAfter($id: ID!, $after: String) {\n    conversation(id: $id) { messages(first: 100, after: $after) { edges { cursor node { id sequence content } } } }\n  }\n"): typeof import('./graphql.ts').MessagesAfterDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TwoPaths($one: ID!, $two: ID!) {\n    one: recentContext(conversationId: $one) { source messages { versions } }\n    two: recentContext(conversationId: $two) { source messages { versions } }\n  }\n"): typeof import('./graphql.ts').TwoPathsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query PathPage($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {\n    conversation(id: $id) {\n      messages(first: $first, after: $after, last: $last, before: $before) {\n        nodes { content }\n        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').PathPageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateConversation($input: CreateConversationInput!) {\n    createConversation(input: $input) {\n      __typename\n      ... on CreateConversationSuccess {\n        created\n        conversation {\n          id\n          externalId\n          title\n          model\n          instructions\n          encoding\n          metadata\n          messageCount\n          tokenCount\n          createdAt\n          lastMessageAt\n          archivedAt\n          expiresAt\n        }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ExternalIdTakenError { conversationId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').CreateConversationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AppendMessages($input: AppendMessagesInput!) {\n    appendMessages(input: $input) {\n      __typename\n      ... on AppendMessagesSuccess {\n        created\n        messages {\n          id\n          sequence\n          role\n          status\n          content\n          author\n          replyTo\n          versions\n          metadata\n          tokenCount\n          createdAt\n          clientMessageId\n          finishReason\n          model\n          usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }\n          parts {\n            __typename\n            providerMetadata\n            ... on TextPart { text }\n            ... on ReasoningPart { text }\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId resultOf: toolName output isError }\n            ... on FilePart { url mediaType filename }\n            ... on DataPart { name data }\n          }\n        }\n        conversation { id messageCount tokenCount }\n      }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ClientMessageIdConflictError { clientMessageId messageId }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').AppendMessagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription SendMessage($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyQueued { position }\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n"): typeof import('./graphql.ts').SendMessageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowReply($id: ID, $conversationId: ID, $after: String) {\n    reply(id: $id, conversationId: $conversationId, after: $after) {\n      __typename\n      replyId\n      cursor\n      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }\n      ... on ReplyDelta { partIndex offset text }\n      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }\n      ... on ReplyCompleted { message { id content status finishReason replyTo } }\n      ... on ReplyInterrupted { reason partial { content status } }\n      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }\n      ... on ReplyRejected { code detail activeReplyId retryAfterMs }\n    }\n  }\n"): typeof import('./graphql.ts').FollowReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation StartReply($input: SendMessageInput!) {\n    startReply(input: $input) {\n      __typename\n      ... on StartReplySuccess { reply { id status text cursor endedAt question { content } message { content } } }\n      ... on Error { code detail }\n      ... on InvalidInputError { field }\n      ... on ReplyRejectedError { activeReplyId retryAfterMs }\n    }\n  }\n"): typeof import('./graphql.ts').StartReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelReply($id: ID!) {\n    cancelReply(id: $id) {\n      __typename\n      ... on CancelReplySuccess { reply { id status } }\n      ... on Error { code detail }\n    }\n  }\n"): typeof import('./graphql.ts').CancelReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadReply($id: ID!) {\n    reply(id: $id) { id status text cursor startedAt endedAt question { content } message { content status } }\n    node(id: $id) { __typename id }\n  }\n"): typeof import('./graphql.ts').ReadReplyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query StoredMessages($id: ID!) {\n    conversation(id: $id) { messages(last: 100) { nodes { content } } }\n  }\n"): typeof import('./graphql.ts').StoredMessagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SelectVersion($messageId: ID!) {\n    selectVersion(messageId: $messageId) {\n      __typename\n      ... on SelectVersionSuccess {\n        message { id content }\n        conversation { messageCount tokenCount messages(first: 100) { nodes { content } } recentContext { messages { content } } }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').SelectVersionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RedactMessage($id: ID!) {\n    redactMessage(id: $id) {\n      __typename\n      ... on RedactMessageSuccess {\n        message {\n          id\n          content\n          status\n          tokenCount\n          metadata\n          parts {\n            __typename\n            ... on ToolCallPart { toolCallId toolName arguments }\n            ... on ToolResultPart { toolCallId output }\n          }\n        }\n      }\n      ... on Error { code detail }\n      ... on HistoryUnavailableError { retryable }\n    }\n  }\n"): typeof import('./graphql.ts').RedactMessageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadPath($id: ID!) {\n    conversation(id: $id) {\n      messageCount\n      tokenCount\n      messages(first: 100) { nodes { id sequence content tokenCount versions } }\n      recentContext { messages { content } tokenCount omittedCount }\n    }\n  }\n"): typeof import('./graphql.ts').ReadPathDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadVersions($ids: [ID!]!) {\n    nodes(ids: $ids) { __typename ... on Message { content versions } }\n  }\n"): typeof import('./graphql.ts').ReadVersionsDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
