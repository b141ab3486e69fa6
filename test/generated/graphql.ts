/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Messages to be stored at the end of the active path, or in the place of a message. */
export type AppendMessagesInput = {
  /** The conversation. */
  conversationId: string | number;
  /** In order, 1 to 1,000. All are stored; after a failure a retry with the same client ids completes them. */
  messages: Array<NewMessageInput>;
  /** A message of which the first one is a new version, of the same role; the others follow it. They end the active path then; what stood there is kept, see `selectVersion`. At most 1,000 times in a conversation. A retry needs a client id of the first message: without one it makes another version. */
  replaces?: string | number | null | undefined;
};

/** What to do when another reply is active in the conversation. */
export type BusyPolicy =
  /** Wait until those before it have ended. */
  | 'QUEUE'
  /** Refuse, and say which reply it is. */
  | 'REJECT'
  /** Stop that one, then go on. */
  | 'SUPERSEDE';

/** How sure a read must be to see the newest message. */
export type Consistency =
  /** Sees every append acknowledged before it, provided that the cache could be reached then. */
  | 'EVENTUAL'
  /** Looks into the history each time: sees every append acknowledged before it, always. */
  | 'STRONG';

/** What decided where a context begins: the last thing that moved its beginning. */
export type ContextCut =
  /** The anchor: the beginning is held in place, so that the prompt cache of the provider holds. */
  | 'ANCHOR'
  /** The budget: one more message would not have fitted. */
  | 'BUDGET'
  /** Nothing: the whole conversation fits. */
  | 'NONE'
  /** Not even the newest message fits: the context is empty. */
  | 'OVERSIZE'
  /** Whole turns: messages were dropped that make no sense without those before them. */
  | 'TURN';

/** Where a context came from. */
export type ContextSource =
  /** The cache held all of it. */
  | 'CACHE'
  /** The cache held the newest messages, the history filled what was missing. */
  | 'CACHE_AND_HISTORY'
  /** The history: the cache held nothing that could be used. */
  | 'HISTORY';

/** What a context may begin with. It never begins with a tool result whose call was cut off. */
export type ContextStart =
  /** Any message. */
  | 'ANY'
  /** A message of the user: what comes before the first one is dropped. */
  | 'USER';

/** A conversation to be created. */
export type CreateConversationInput = {
  /** The tokenizer encoding to count its messages with: o200k_base (the default) or an older one. It cannot be changed. */
  encoding?: string | null | undefined;
  /** From then on it is gone for every reader; absent: it stays. */
  expiresAt?: string | null | undefined;
  /** The application's own id of it, unique among your conversations. 1 to 256 characters. */
  externalId?: string | null | undefined;
  /** What to do when one of your conversations has the external id already. */
  ifExists?: IfExists;
  /** The system prompt put before the context. At most 65,536 characters. */
  instructions?: string | null | undefined;
  /** A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null. */
  metadata?: unknown;
  /** The model that answers in it; absent: the default of the server. 1 to 128 characters. */
  model?: string | null | undefined;
  /** What it is called in lists. At most 512 characters. */
  title?: string | null | undefined;
};

/** An application's own data beside the text. */
export type DataPartInput = {
  /** The data, at most 32 levels deep. */
  data?: unknown;
  /** What kind of data it is. 1 to 128 characters. */
  name: string;
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
};

/** What becomes of a reply when the one that asked for it leaves. */
export type DisconnectPolicy =
  /** It is stopped at once. */
  | 'CANCEL'
  /** It is finished and stored; subscribe to it again at any time. */
  | 'CONTINUE';

/** What went wrong, for programs. There will be more. */
export type ErrorCode =
  /** The input breaks a limit. */
  | 'BAD_USER_INPUT'
  /** Another reply is active in the conversation. */
  | 'BUSY'
  /** It was cancelled while it waited. */
  | 'CANCELLED'
  /** The client id is stored with other content, or in another place. */
  | 'CLIENT_MESSAGE_ID_CONFLICT'
  /** What is stored of the conversation cannot be read; that was logged. */
  | 'CONVERSATION_UNREADABLE'
  /** Whoever asked left while it waited, and wanted it to end then. */
  | 'DISCONNECTED'
  /** Another of your conversations has this external id. */
  | 'EXTERNAL_ID_TAKEN'
  /** The store cannot be reached, or refuses. */
  | 'HISTORY_UNAVAILABLE'
  /** The node on which it waited was lost. */
  | 'NODE_LOST'
  /** There is no such object for you. */
  | 'NOT_FOUND'
  /** Too many questions wait in the conversation already. */
  | 'QUEUE_FULL'
  /** Too much is under way already; nothing was done. */
  | 'RATE_LIMITED'
  /** This node is stopping; another one will answer. */
  | 'SHUTTING_DOWN'
  /** Another question took its place while it waited. */
  | 'SUPERSEDED';

/** A file by its address. */
export type FilePartInput = {
  /** The file's name. 1 to 256 characters. */
  filename?: string | null | undefined;
  /** For instance image/png. */
  mediaType: string;
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
  /** An absolute http or https URL, at most 8,192 characters. */
  url: string;
};

/** Why the model stopped writing. */
export type FinishReason =
  /** The provider's filter stopped it. */
  | 'CONTENT_FILTER'
  /** It reached the limit of its tokens. */
  | 'LENGTH'
  /** It was done. */
  | 'STOP'
  /** It waits for the results of the tools that it called. */
  | 'TOOL_CALLS';

/** What to do when one of your conversations has the external id already. */
export type IfExists =
  /** Answer with ExternalIdTakenError. */
  | 'FAIL'
  /** Return that conversation as it is. */
  | 'RETURN';

/** Why a reply was stopped. */
export type InterruptReason =
  /** By cancelReply. */
  | 'CANCELLED'
  /** Whoever asked left, and wanted it to end then. */
  | 'DISCONNECTED'
  /** Its node was lost. The stored text counts: a subscriber may have seen a little more of it. */
  | 'NODE_LOST'
  /** Its node was stopped. */
  | 'SHUTDOWN'
  /** By another question that wanted to take its place. */
  | 'SUPERSEDED'
  /** It took longer than a reply may take. */
  | 'TIMEOUT';

/** A piece of a message: exactly one of these. */
export type MessagePartInput =
  {   /** An application's own data. */
  data: DataPartInput; file?: never; reasoning?: never; text?: never; toolCall?: never; toolResult?: never; }
  |  { data?: never;   /** A file by its address. */
  file: FilePartInput; reasoning?: never; text?: never; toolCall?: never; toolResult?: never; }
  |  { data?: never; file?: never;   /** What a model thought before it answered. */
  reasoning: ReasoningPartInput; text?: never; toolCall?: never; toolResult?: never; }
  |  { data?: never; file?: never; reasoning?: never;   /** Text. */
  text: TextPartInput; toolCall?: never; toolResult?: never; }
  |  { data?: never; file?: never; reasoning?: never; text?: never;   /** A model's wish to call a tool. */
  toolCall: ToolCallPartInput; toolResult?: never; }
  |  { data?: never; file?: never; reasoning?: never; text?: never; toolCall?: never;   /** What a tool gave back. */
  toolResult: ToolResultPartInput; };

/** A message to be stored. It has `content`, `parts` or both. */
export type NewMessageInput = {
  /** Who of several users, or which agent, wrote it. 1 to 128 characters. */
  author?: string | null | undefined;
  /** The client's own id of it, unique in the conversation: the same message sent again is not stored twice; once it is redacted, any counts as the same. 1 to 256 characters. */
  clientMessageId?: string | null | undefined;
  /** Text, not empty; it becomes the first part. */
  content?: string | null | undefined;
  /** When it was written; absent: now. For imports. */
  createdAt?: string | null | undefined;
  /** A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null. */
  metadata?: unknown;
  /** What else it says, in order. At most 100 parts. */
  parts?: Array<MessagePartInput> | null | undefined;
  /** Who speaks. */
  role: Role;
};

/** What a model thought before it answered. */
export type ReasoningPartInput = {
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
  /** The thoughts. */
  text: string;
};

/** Why a reply was refused or failed, for programs. There will be more. */
export type ReplyErrorCode =
  /** The input breaks a limit. */
  | 'BAD_USER_INPUT'
  /** Another reply is active in the conversation. */
  | 'BUSY'
  /** It was cancelled while it waited. */
  | 'CANCELLED'
  /** The client id is used by another question or message. */
  | 'CLIENT_MESSAGE_ID_CONFLICT'
  /** What is stored of the conversation cannot be read; that was logged. */
  | 'CONVERSATION_UNREADABLE'
  /** Whoever asked left while it waited, and wanted it to end then. */
  | 'DISCONNECTED'
  /** The store cannot be reached, or refuses. */
  | 'HISTORY_UNAVAILABLE'
  /** Our own fault; it was logged. */
  | 'INTERNAL'
  /** The provider of the model says to wait. */
  | 'MODEL_RATE_LIMITED'
  /** The provider of the model refuses this request. */
  | 'MODEL_REJECTED'
  /** The stream of the model broke off, or was none. */
  | 'MODEL_STREAM_BROKEN'
  /** No first token, or no further one, came in time. */
  | 'MODEL_TIMEOUT'
  /** The model cannot be reached, or its server is at fault. */
  | 'MODEL_UNAVAILABLE'
  /** The node on which it waited stopped or was lost; it may be sent again. */
  | 'NODE_LOST'
  /** There is no such conversation or reply for you, or it was deleted meanwhile. */
  | 'NOT_FOUND'
  /** Too many questions wait in the conversation already. */
  | 'QUEUE_FULL'
  /** Too much is under way already; send again after `retryAfterMs`. */
  | 'RATE_LIMITED'
  /** This node is stopping; another one will answer. */
  | 'SHUTTING_DOWN'
  /** Another question took its place while it waited. */
  | 'SUPERSEDED';

/** Who speaks, by the names of the chat completions API. */
export type Role =
  /** The model. */
  | 'ASSISTANT'
  /** Instructions of the application, as newer models name them. */
  | 'DEVELOPER'
  /** Instructions of the application. */
  | 'SYSTEM'
  /** A tool that the model called: each part is the result of one call. */
  | 'TOOL'
  /** The person. */
  | 'USER';

/** What a model is to answer. With `content` or `parts` it is a new message of the user, and with `replaces` too a new version of one (an edit). With `replaces` alone the model answers once more in the place of a reply (regenerate). With none of the three it goes on from what is stored last, which must be a message of the user or results of tools. Exactly one of `conversationId` and `externalId`, and at most one of `content` and `parts`, is given. */
export type SendMessageInput = {
  /** From 0 (off) to 0.5: the beginning of the context moves only in steps of this share of the budget, so that the prompt keeps a prefix that the provider can cache. */
  anchor?: number;
  /** Who of several users wrote the message. 1 to 128 characters. */
  author?: string | null | undefined;
  /** The client's own id of the send and its message, unique in the conversation: sent again it joins the reply that it began. 1 to 256 characters. */
  clientMessageId: string | number;
  /** The text of the message, not empty, when it is nothing else. */
  content?: string | null | undefined;
  /** The conversation. */
  conversationId?: string | number | null | undefined;
  /** The application's own id of the conversation; a message without `replaces` creates it when you have none with it. */
  externalId?: string | null | undefined;
  /** The token budget of the context, what is answered included: from 1 to the MAX_CONTEXT_TOKENS of the server. */
  maxContextTokens?: number | null | undefined;
  /** The most tokens that the model may write, at least 1. */
  maxReplyTokens?: number | null | undefined;
  /** Kept with the message. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null. */
  metadata?: unknown;
  /** The model; absent: that of the conversation, else the default of the server. 1 to 128 characters. */
  model?: string | null | undefined;
  /** An object that is passed on to the model as it is, for instance {"temperature": 0}: at most 262,144 bytes of JSON, 100 keys of 64 characters and 32 levels. It may not set messages, model, n, prompt_cache_key, stream or stream_options. */
  modelOptions?: unknown;
  /** What to do when another reply is active in the conversation. */
  onBusy?: BusyPolicy;
  /** What becomes of the reply when whoever sent this leaves the stream of `sendMessage`. */
  onDisconnect?: DisconnectPolicy;
  /** All that the message says, in order, 1 to 100 parts. Without it and `content` there is no message. */
  parts?: Array<MessagePartInput> | null | undefined;
  /** With `content` or `parts`: the message of the user of which this is a new version. Without: the reply in whose place the model answers once more; the old one makes way when the new one is stored, and stays when that is stopped or fails before its first word. The new version is on the active path then; what stood there is kept, see `selectVersion`. At most 1,000 times in a conversation. */
  replaces?: string | number | null | undefined;
};

/** How far a reply is, or whether a message is all that it was meant to be. */
export type Status =
  /** A message that is all that it was meant to be. */
  | 'COMPLETE'
  /** A reply whose model has said all that it wanted to. */
  | 'COMPLETED'
  /** The model, or we, failed: what had been written by then is stored. */
  | 'FAILED'
  /** A reply that was stopped, or its message: what had been written by then is stored. */
  | 'INTERRUPTED'
  /** A reply that waits until those before it have ended. */
  | 'QUEUED'
  /** A message whose content was removed; the place and the token count remain. */
  | 'REDACTED'
  /** A reply that was never begun: nothing of it is stored. */
  | 'REJECTED'
  /** A reply whose model is at work. */
  | 'RUNNING';

/** Text. */
export type TextPartInput = {
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
  /** The text. */
  text: string;
};

/** A model's wish to call a tool. Only in messages of the ASSISTANT. */
export type ToolCallPartInput = {
  /** The JSON text exactly as the model wrote it. */
  arguments: string;
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
  /** Names this call; its result names it too. 1 to 256 characters. */
  toolCallId: string | number;
  /** The tool. 1 to 128 characters. */
  toolName: string;
};

/** What a tool gave back. */
export type ToolResultPartInput = {
  /** Whether the tool failed. */
  isError?: boolean | null | undefined;
  /** The result as the text that the model gets to read. */
  output: string;
  /** Opaque data of a model provider, kept as it is. */
  providerMetadata?: unknown;
  /** The call that this answers. 1 to 256 characters. */
  toolCallId: string | number;
  /** The tool. 1 to 128 characters. */
  toolName?: string | null | undefined;
};

/** Changes of a conversation: absent leaves a value as it is, null removes it. */
export type UpdateConversationInput = {
  /** Whether it is out of the list of those in use. Null leaves it as it is. */
  archived?: boolean | null | undefined;
  /** From then on it is gone for every reader; a stream that is open goes on for up to a minute or two. Null: it stays. */
  expiresAt?: string | null | undefined;
  /** The conversation. */
  id: string | number;
  /** The system prompt put before the context. At most 65,536 characters. */
  instructions?: string | null | undefined;
  /** Replaces all of it. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null. */
  metadata?: unknown;
  /** The model that answers in it; null: the default of the server. 1 to 128 characters. */
  model?: string | null | undefined;
  /** What it is called in lists. At most 512 characters. */
  title?: string | null | undefined;
};

/** A change of what the application keeps with a message, for instance feedback. What it says never changes. */
export type UpdateMessageInput = {
  /** The message. */
  id: string | number;
  /** Replaces all of it; null or absent removes it. A flat object: at most 16 keys of 64 characters, with strings (512 characters), numbers, booleans or null. */
  metadata?: unknown;
};

export type ReloadConversationQueryVariables = Exact<{
  id: string | number;
}>;


export type ReloadConversationQuery = { conversation: { lastReply: { id: string, status: Status, text: string, cursor: string, question: { content: string, reply: { id: string } | null } | null, message: { content: string, reply: { id: string } | null } | null, error: { code: ReplyErrorCode, detail: string, retryable: boolean, retryAfterMs: number | null } | null } | null } | null };

export type SidebarQueryVariables = Exact<{ [key: string]: never; }>;


export type SidebarQuery = { conversations: { nodes: Array<{ id: string, title: string | null, messageCount: number, tokenCount: number, activeReply: { id: string, status: Status } | null }> } };

export type StartedReplyMutationVariables = Exact<{
  id: string | number;
}>;


export type StartedReplyMutation = { startReply:
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'InvalidInputError' }
    | { __typename: 'NotFoundError' }
    | { __typename: 'RateLimitedError' }
    | { __typename: 'ReplyRejectedError' }
    | { __typename: 'StartReplySuccess', reply: { id: string } }
   };

export type RepliesByIdQueryVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type RepliesByIdQuery = { nodes: Array<
    | { id: string }
    | { id: string }
    | { status: Status, id: string }
   | null> };

export type MessagesQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type MessagesQuery = { conversation: { messages: { edges: Array<{ cursor: string, node: { content: string } }>, nodes: Array<{ content: string }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } } | null };

export type ConversationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  archived?: boolean | null | undefined;
}>;


export type ConversationsQuery = { conversations: { edges: Array<{ cursor: string, node: { id: string } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type ArchiveMutationVariables = Exact<{
  id: string | number;
}>;


export type ArchiveMutation = { updateConversation:
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'InvalidInputError' }
    | { __typename: 'NotFoundError' }
    | { __typename: 'UpdateConversationSuccess' }
   };

export type TabEventsSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type TabEventsSubscription = { conversationEvents:
    | { __typename: 'BranchSelected', cursor: string }
    | { __typename: 'ConversationChanged', cursor: string, conversation: { title: string | null } }
    | { __typename: 'ConversationDeleted', cursor: string }
    | { __typename: 'ConversationHeartbeat', cursor: string }
    | { __typename: 'ConversationReset', cursor: string }
    | { __typename: 'MessageAppended', cursor: string, message: { content: string } }
    | { __typename: 'MessageChanged', cursor: string }
    | { __typename: 'ReplyBegan', cursor: string, reply: { id: string, question: { content: string } | null } }
    | { __typename: 'ReplyEnded', cursor: string, reply: { id: string, status: Status, message: { content: string } | null } }
   };

export type RenameToMutationVariables = Exact<{
  id: string | number;
  title: string;
}>;


export type RenameToMutation = { updateConversation:
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'InvalidInputError' }
    | { __typename: 'NotFoundError' }
    | { __typename: 'UpdateConversationSuccess' }
   };

export type LoadConversationQueryVariables = Exact<{
  id: string | number;
}>;


export type LoadConversationQuery = { conversation: { cursor: string, title: string | null, messages: { edges: Array<{ node: { id: string } }> } } | null };

export type EventsSinceSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type EventsSinceSubscription = { conversationEvents:
    | { __typename: 'BranchSelected' }
    | { __typename: 'ConversationChanged', conversation: { title: string | null } }
    | { __typename: 'ConversationDeleted' }
    | { __typename: 'ConversationHeartbeat' }
    | { __typename: 'ConversationReset' }
    | { __typename: 'MessageAppended', message: { id: string } }
    | { __typename: 'MessageChanged' }
    | { __typename: 'ReplyBegan' }
    | { __typename: 'ReplyEnded' }
   };

export type ConversationEventsSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type ConversationEventsSubscription = { conversationEvents:
    | { __typename: 'BranchSelected', cursor: string }
    | { __typename: 'ConversationChanged', cursor: string, conversation: { title: string | null, messageCount: number, recentContext: { tokenCount: number } } }
    | { __typename: 'ConversationDeleted', cursor: string }
    | { __typename: 'ConversationHeartbeat', cursor: string }
    | { __typename: 'ConversationReset', cursor: string }
    | { __typename: 'MessageAppended', cursor: string, message: { content: string, versions: Array<string> } }
    | { __typename: 'MessageChanged', cursor: string, message: { metadata: unknown } }
    | { __typename: 'ReplyBegan', cursor: string }
    | { __typename: 'ReplyEnded', cursor: string }
   };

export type LikeMessageMutationVariables = Exact<{
  messageId: string | number;
}>;


export type LikeMessageMutation = { updateMessage:
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'InvalidInputError' }
    | { __typename: 'NotFoundError' }
    | { __typename: 'UpdateMessageSuccess' }
   };

export type RenameConversationMutationVariables = Exact<{
  id: string | number;
}>;


export type RenameConversationMutation = { updateConversation:
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'InvalidInputError' }
    | { __typename: 'NotFoundError' }
    | { __typename: 'UpdateConversationSuccess' }
   };

export type RemoveConversationMutationVariables = Exact<{
  id: string | number;
}>;


export type RemoveConversationMutation = { deleteConversation:
    | { __typename: 'DeleteConversationSuccess' }
    | { __typename: 'HistoryUnavailableError' }
    | { __typename: 'NotFoundError' }
   };

export type FindConversationQueryVariables = Exact<{
  id?: string | number | null | undefined;
  externalId?: string | null | undefined;
}>;


export type FindConversationQuery = { conversation: { id: string, title: string | null, messageCount: number, tokenCount: number, lastMessageAt: string | null, archivedAt: string | null } | null };

export type UpdateConversationMutationVariables = Exact<{
  input: UpdateConversationInput;
}>;


export type UpdateConversationMutation = { updateConversation:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'UpdateConversationSuccess', conversation: { id: string, title: string | null, model: string | null, instructions: string | null, metadata: unknown, archivedAt: string | null, expiresAt: string | null } }
   };

export type DeleteConversationMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteConversationMutation = { deleteConversation:
    | { __typename: 'DeleteConversationSuccess', deletedId: string }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
   };

export type AppendInTurnMutationVariables = Exact<{
  input: AppendMessagesInput;
}>;


export type AppendInTurnMutation = { appendMessages:
    | { __typename: 'AppendMessagesSuccess' }
    | { __typename: 'ClientMessageIdConflictError', code: ErrorCode, detail: string }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'RateLimitedError', code: ErrorCode, detail: string, retryAfterMs: number | null }
   };

export type StartInTurnMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type StartInTurnMutation = { startReply:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'RateLimitedError', code: ErrorCode, detail: string, retryAfterMs: number | null }
    | { __typename: 'ReplyRejectedError', code: ErrorCode, detail: string, retryAfterMs: number | null }
    | { __typename: 'StartReplySuccess' }
   };

export type WatchMessagesSubscriptionVariables = Exact<{
  id: string | number;
}>;


export type WatchMessagesSubscription = { conversationEvents:
    | { __typename: 'BranchSelected' }
    | { __typename: 'ConversationChanged' }
    | { __typename: 'ConversationDeleted' }
    | { __typename: 'ConversationHeartbeat' }
    | { __typename: 'ConversationReset' }
    | { __typename: 'MessageAppended', message: { content: string, versions: Array<string> } }
    | { __typename: 'MessageChanged' }
    | { __typename: 'ReplyBegan' }
    | { __typename: 'ReplyEnded' }
   };

export type UpdateMessageMutationVariables = Exact<{
  input: UpdateMessageInput;
}>;


export type UpdateMessageMutation = { updateMessage:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'UpdateMessageSuccess', message: { id: string, metadata: unknown } }
   };

export type NodeQueryVariables = Exact<{
  id: string | number;
}>;


export type NodeQuery = { node:
    | { __typename: 'Conversation', title: string | null, id: string }
    | { __typename: 'Message', content: string, id: string }
    | { __typename: 'Reply', id: string }
   | null };

export type NodesQueryVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type NodesQuery = { nodes: Array<
    | { __typename: 'Conversation', id: string }
    | { __typename: 'Message', id: string }
    | { __typename: 'Reply', id: string }
   | null> };

export type RecentContextQueryVariables = Exact<{
  conversationId: string | number;
  maxTokens?: number | null | undefined;
  startOn?: ContextStart | null | undefined;
  anchor?: number | null | undefined;
  consistency?: Consistency | null | undefined;
}>;


export type RecentContextQuery = { recentContext: { tokenCount: number, maxTokens: number, tokensExact: boolean, omittedCount: number, omittedTokens: number, cut: ContextCut, source: ContextSource, chatMessages: unknown, messages: Array<{ sequence: number, content: string }>, conversation: { id: string, title: string | null } } };

export type ContextOfConversationQueryVariables = Exact<{
  id: string | number;
}>;


export type ContextOfConversationQuery = { conversation: { recentContext: { messages: Array<{ content: string }> }, small: { cut: ContextCut, messages: Array<{ content: string }> } } | null };

export type ContextAsSentQueryVariables = Exact<{
  id: string | number;
}>;


export type ContextAsSentQuery = { recentContext: { source: ContextSource, chatMessages: unknown, tokenCount: number, messages: Array<{ content: string, status: Status }> } };

export type ActiveReplyQueryVariables = Exact<{
  id: string | number;
}>;


export type ActiveReplyQuery = { conversation: { activeReply: { id: string, text: string } | null } | null };

export type ReplyEventsSubscriptionVariables = Exact<{
  id: string | number;
}>;


export type ReplyEventsSubscription = { conversationEvents:
    | { __typename: 'BranchSelected' }
    | { __typename: 'ConversationChanged' }
    | { __typename: 'ConversationDeleted' }
    | { __typename: 'ConversationHeartbeat' }
    | { __typename: 'ConversationReset' }
    | { __typename: 'MessageAppended' }
    | { __typename: 'MessageChanged' }
    | { __typename: 'ReplyBegan', reply: { id: string } }
    | { __typename: 'ReplyEnded', reply: { id: string, status: Status, message: { content: string } | null } }
   };

export type LastRepliesQueryVariables = Exact<{ [key: string]: never; }>;


export type LastRepliesQuery = { conversations: { nodes: Array<{ id: string, lastReply: { text: string, message: { content: string } | null } | null }> } };

export type LastMessagesQueryVariables = Exact<{
  id: string | number;
}>;


export type LastMessagesQuery = { conversation: { messages: { nodes: Array<{ role: Role, content: string, status: Status, clientMessageId: string | null }> } } | null };

export type VersionEventsSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type VersionEventsSubscription = { conversationEvents:
    | { __typename: 'BranchSelected', message: { id: string, sequence: number, content: string, versions: Array<string> }, conversation: { messageCount: number } }
    | { __typename: 'ConversationChanged' }
    | { __typename: 'ConversationDeleted' }
    | { __typename: 'ConversationHeartbeat' }
    | { __typename: 'ConversationReset' }
    | { __typename: 'MessageAppended', message: { id: string, sequence: number, content: string } }
    | { __typename: 'MessageChanged', message: { id: string, sequence: number, content: string, status: Status } }
    | { __typename: 'ReplyBegan' }
    | { __typename: 'ReplyEnded' }
   };

export type MessagesAfterQueryVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type MessagesAfterQuery = { conversation: { messages: { edges: Array<{ cursor: string, node: { id: string, sequence: number, content: string } }> } } | null };

export type TwoPathsQueryVariables = Exact<{
  one: string | number;
  two: string | number;
}>;


export type TwoPathsQuery = { one: { source: ContextSource, messages: Array<{ versions: Array<string> }> }, two: { source: ContextSource, messages: Array<{ versions: Array<string> }> } };

export type PathPageQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type PathPageQuery = { conversation: { messages: { nodes: Array<{ content: string }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } } | null };

export type CreateConversationMutationVariables = Exact<{
  input: CreateConversationInput;
}>;


export type CreateConversationMutation = { createConversation:
    | { __typename: 'CreateConversationSuccess', created: boolean, conversation: { id: string, externalId: string | null, title: string | null, model: string | null, instructions: string | null, encoding: string, metadata: unknown, messageCount: number, tokenCount: number, createdAt: string, lastMessageAt: string | null, archivedAt: string | null, expiresAt: string | null } }
    | { __typename: 'ExternalIdTakenError', code: ErrorCode, detail: string, conversationId: string }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string, retryable: boolean }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
   };

export type AppendMessagesMutationVariables = Exact<{
  input: AppendMessagesInput;
}>;


export type AppendMessagesMutation = { appendMessages:
    | { __typename: 'AppendMessagesSuccess', created: number, messages: Array<{ id: string, sequence: number, role: Role, status: Status, content: string, author: string | null, replyTo: string | null, versions: Array<string>, metadata: unknown, tokenCount: number, createdAt: string, clientMessageId: string | null, finishReason: FinishReason | null, model: string | null, usage: { promptTokens: number, completionTokens: number, cachedPromptTokens: number | null, reasoningTokens: number | null, estimated: boolean } | null, parts: Array<
          | { __typename: 'DataPart', name: string, data: unknown, providerMetadata: unknown }
          | { __typename: 'FilePart', url: string, mediaType: string, filename: string | null, providerMetadata: unknown }
          | { __typename: 'ReasoningPart', text: string, providerMetadata: unknown }
          | { __typename: 'TextPart', text: string, providerMetadata: unknown }
          | { __typename: 'ToolCallPart', toolCallId: string, toolName: string | null, arguments: string, providerMetadata: unknown }
          | { __typename: 'ToolResultPart', toolCallId: string, output: string, isError: boolean, providerMetadata: unknown, resultOf: string | null }
        > }>, conversation: { id: string, messageCount: number, tokenCount: number } }
    | { __typename: 'ClientMessageIdConflictError', code: ErrorCode, detail: string, clientMessageId: string, messageId: string }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string, retryable: boolean }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'RateLimitedError', code: ErrorCode, detail: string }
   };

export type SendMessageSubscriptionVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMessageSubscription = { sendMessage:
    | { __typename: 'ReplyCompleted', replyId: string | null, cursor: string, message: { id: string, content: string, status: Status, finishReason: FinishReason | null, replyTo: string | null } }
    | { __typename: 'ReplyDelta', partIndex: number, offset: number, text: string, replyId: string | null, cursor: string }
    | { __typename: 'ReplyFailed', code: ReplyErrorCode, detail: string, retryable: boolean, retryAfterMs: number | null, replyId: string | null, cursor: string, partial: { content: string, status: Status } | null }
    | { __typename: 'ReplyHeartbeat', replyId: string | null, cursor: string }
    | { __typename: 'ReplyInterrupted', reason: InterruptReason, replyId: string | null, cursor: string, partial: { content: string, status: Status } | null }
    | { __typename: 'ReplyPart', partIndex: number, replyId: string | null, cursor: string, part:
        | { __typename: 'DataPart' }
        | { __typename: 'FilePart' }
        | { __typename: 'ReasoningPart' }
        | { __typename: 'TextPart' }
        | { __typename: 'ToolCallPart', toolCallId: string, toolName: string | null, arguments: string }
        | { __typename: 'ToolResultPart' }
       }
    | { __typename: 'ReplyQueued', position: number, replyId: string | null, cursor: string }
    | { __typename: 'ReplyReasoningDelta', replyId: string | null, cursor: string }
    | { __typename: 'ReplyRejected', code: ReplyErrorCode, detail: string, activeReplyId: string | null, retryAfterMs: number | null, replyId: string | null, cursor: string }
    | { __typename: 'ReplyStarted', model: string, replyId: string | null, cursor: string, question: { id: string, content: string, role: Role }, context: { tokenCount: number, messages: Array<{ content: string }> } }
   };

export type FollowReplySubscriptionVariables = Exact<{
  id?: string | number | null | undefined;
  conversationId?: string | number | null | undefined;
  after?: string | null | undefined;
}>;


export type FollowReplySubscription = { reply:
    | { __typename: 'ReplyCompleted', replyId: string | null, cursor: string, message: { id: string, content: string, status: Status, finishReason: FinishReason | null, replyTo: string | null } }
    | { __typename: 'ReplyDelta', partIndex: number, offset: number, text: string, replyId: string | null, cursor: string }
    | { __typename: 'ReplyFailed', code: ReplyErrorCode, detail: string, retryable: boolean, retryAfterMs: number | null, replyId: string | null, cursor: string, partial: { content: string, status: Status } | null }
    | { __typename: 'ReplyHeartbeat', replyId: string | null, cursor: string }
    | { __typename: 'ReplyInterrupted', reason: InterruptReason, replyId: string | null, cursor: string, partial: { content: string, status: Status } | null }
    | { __typename: 'ReplyPart', partIndex: number, replyId: string | null, cursor: string, part:
        | { __typename: 'DataPart' }
        | { __typename: 'FilePart' }
        | { __typename: 'ReasoningPart' }
        | { __typename: 'TextPart' }
        | { __typename: 'ToolCallPart', toolCallId: string, toolName: string | null, arguments: string }
        | { __typename: 'ToolResultPart' }
       }
    | { __typename: 'ReplyQueued', replyId: string | null, cursor: string }
    | { __typename: 'ReplyReasoningDelta', replyId: string | null, cursor: string }
    | { __typename: 'ReplyRejected', code: ReplyErrorCode, detail: string, activeReplyId: string | null, retryAfterMs: number | null, replyId: string | null, cursor: string }
    | { __typename: 'ReplyStarted', model: string, replyId: string | null, cursor: string, question: { id: string, content: string, role: Role }, context: { tokenCount: number, messages: Array<{ content: string }> } }
   };

export type StartReplyMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type StartReplyMutation = { startReply:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'RateLimitedError', code: ErrorCode, detail: string }
    | { __typename: 'ReplyRejectedError', code: ErrorCode, detail: string, activeReplyId: string | null, retryAfterMs: number | null }
    | { __typename: 'StartReplySuccess', reply: { id: string, status: Status, text: string, cursor: string, endedAt: string | null, question: { content: string } | null, message: { content: string } | null } }
   };

export type CancelReplyMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelReplyMutation = { cancelReply:
    | { __typename: 'CancelReplySuccess', reply: { id: string, status: Status } }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
   };

export type ReadReplyQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadReplyQuery = { reply: { id: string, status: Status, text: string, cursor: string, startedAt: string, endedAt: string | null, question: { content: string } | null, message: { content: string, status: Status } | null } | null, node:
    | { __typename: 'Conversation', id: string }
    | { __typename: 'Message', id: string }
    | { __typename: 'Reply', id: string }
   | null };

export type StoredMessagesQueryVariables = Exact<{
  id: string | number;
}>;


export type StoredMessagesQuery = { conversation: { messages: { nodes: Array<{ content: string }> } } | null };

export type SelectVersionMutationVariables = Exact<{
  messageId: string | number;
}>;


export type SelectVersionMutation = { selectVersion:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string, retryable: boolean }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'SelectVersionSuccess', message: { id: string, content: string }, conversation: { messageCount: number, tokenCount: number, messages: { nodes: Array<{ content: string }> }, recentContext: { messages: Array<{ content: string }> } } }
   };

export type RedactMessageMutationVariables = Exact<{
  id: string | number;
}>;


export type RedactMessageMutation = { redactMessage:
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string, retryable: boolean }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
    | { __typename: 'RedactMessageSuccess', message: { id: string, content: string, status: Status, tokenCount: number, metadata: unknown, parts: Array<
          | { __typename: 'DataPart' }
          | { __typename: 'FilePart' }
          | { __typename: 'ReasoningPart' }
          | { __typename: 'TextPart' }
          | { __typename: 'ToolCallPart', toolCallId: string, toolName: string | null, arguments: string }
          | { __typename: 'ToolResultPart', toolCallId: string, output: string }
        > } }
   };

export type ReadPathQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadPathQuery = { conversation: { messageCount: number, tokenCount: number, messages: { nodes: Array<{ id: string, sequence: number, content: string, tokenCount: number, versions: Array<string> }> }, recentContext: { tokenCount: number, omittedCount: number, messages: Array<{ content: string }> } } | null };

export type ReadVersionsQueryVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type ReadVersionsQuery = { nodes: Array<
    | { __typename: 'Conversation' }
    | { __typename: 'Message', content: string, versions: Array<string> }
    | { __typename: 'Reply' }
   | null> };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const ReloadConversationDocument = new TypedDocumentString(`
    query ReloadConversation($id: ID!) {
  conversation(id: $id) {
    lastReply {
      id
      status
      text
      cursor
      question {
        content
        reply {
          id
        }
      }
      message {
        content
        reply {
          id
        }
      }
      error {
        code
        detail
        retryable
        retryAfterMs
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReloadConversationQuery, ReloadConversationQueryVariables>;
export const SidebarDocument = new TypedDocumentString(`
    query Sidebar {
  conversations(first: 100) {
    nodes {
      id
      title
      messageCount
      tokenCount
      activeReply {
        id
        status
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SidebarQuery, SidebarQueryVariables>;
export const StartedReplyDocument = new TypedDocumentString(`
    mutation StartedReply($id: ID!) {
  startReply(input: { conversationId: $id, clientMessageId: "1", content: "q" }) {
    __typename
    ... on StartReplySuccess {
      reply {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StartedReplyMutation, StartedReplyMutationVariables>;
export const RepliesByIdDocument = new TypedDocumentString(`
    query RepliesById($ids: [ID!]!) {
  nodes(ids: $ids) {
    id
    ... on Reply {
      status
    }
  }
}
    `) as unknown as TypedDocumentString<RepliesByIdQuery, RepliesByIdQueryVariables>;
export const MessagesDocument = new TypedDocumentString(`
    query Messages($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  conversation(id: $id) {
    messages(first: $first, after: $after, last: $last, before: $before) {
      edges {
        cursor
        node {
          content
        }
      }
      nodes {
        content
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MessagesQuery, MessagesQueryVariables>;
export const ConversationsDocument = new TypedDocumentString(`
    query Conversations($first: Int, $after: String, $last: Int, $before: String, $archived: Boolean) {
  conversations(
    first: $first
    after: $after
    last: $last
    before: $before
    archived: $archived
  ) {
    edges {
      cursor
      node {
        id
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<ConversationsQuery, ConversationsQueryVariables>;
export const ArchiveDocument = new TypedDocumentString(`
    mutation Archive($id: ID!) {
  updateConversation(input: { id: $id, archived: true }) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ArchiveMutation, ArchiveMutationVariables>;
export const TabEventsDocument = new TypedDocumentString(`
    subscription TabEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) {
    __typename
    cursor
    ... on MessageAppended {
      message {
        content
      }
    }
    ... on ReplyBegan {
      reply {
        id
        question {
          content
        }
      }
    }
    ... on ReplyEnded {
      reply {
        id
        status
        message {
          content
        }
      }
    }
    ... on ConversationChanged {
      conversation {
        title
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TabEventsSubscription, TabEventsSubscriptionVariables>;
export const RenameToDocument = new TypedDocumentString(`
    mutation RenameTo($id: ID!, $title: String!) {
  updateConversation(input: { id: $id, title: $title }) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RenameToMutation, RenameToMutationVariables>;
export const LoadConversationDocument = new TypedDocumentString(`
    query LoadConversation($id: ID!) {
  conversation(id: $id) {
    cursor
    title
    messages(first: 100) {
      edges {
        node {
          id
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LoadConversationQuery, LoadConversationQueryVariables>;
export const EventsSinceDocument = new TypedDocumentString(`
    subscription EventsSince($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) {
    __typename
    ... on MessageAppended {
      message {
        id
      }
    }
    ... on ConversationChanged {
      conversation {
        title
      }
    }
  }
}
    `) as unknown as TypedDocumentString<EventsSinceSubscription, EventsSinceSubscriptionVariables>;
export const ConversationEventsDocument = new TypedDocumentString(`
    subscription ConversationEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) {
    __typename
    cursor
    ... on MessageAppended {
      message {
        content
        versions
      }
    }
    ... on MessageChanged {
      message {
        metadata
      }
    }
    ... on ConversationChanged {
      conversation {
        title
        messageCount
        recentContext {
          tokenCount
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ConversationEventsSubscription, ConversationEventsSubscriptionVariables>;
export const LikeMessageDocument = new TypedDocumentString(`
    mutation LikeMessage($messageId: ID!) {
  updateMessage(input: { id: $messageId, metadata: { liked: true } }) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<LikeMessageMutation, LikeMessageMutationVariables>;
export const RenameConversationDocument = new TypedDocumentString(`
    mutation RenameConversation($id: ID!) {
  updateConversation(input: { id: $id, title: "New" }) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RenameConversationMutation, RenameConversationMutationVariables>;
export const RemoveConversationDocument = new TypedDocumentString(`
    mutation RemoveConversation($id: ID!) {
  deleteConversation(id: $id) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RemoveConversationMutation, RemoveConversationMutationVariables>;
export const FindConversationDocument = new TypedDocumentString(`
    query FindConversation($id: ID, $externalId: String) {
  conversation(id: $id, externalId: $externalId) {
    id
    title
    messageCount
    tokenCount
    lastMessageAt
    archivedAt
  }
}
    `) as unknown as TypedDocumentString<FindConversationQuery, FindConversationQueryVariables>;
export const UpdateConversationDocument = new TypedDocumentString(`
    mutation UpdateConversation($input: UpdateConversationInput!) {
  updateConversation(input: $input) {
    __typename
    ... on UpdateConversationSuccess {
      conversation {
        id
        title
        model
        instructions
        metadata
        archivedAt
        expiresAt
      }
    }
    ... on Error {
      code
      detail
    }
    ... on InvalidInputError {
      field
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateConversationMutation, UpdateConversationMutationVariables>;
export const DeleteConversationDocument = new TypedDocumentString(`
    mutation DeleteConversation($id: ID!) {
  deleteConversation(id: $id) {
    __typename
    ... on DeleteConversationSuccess {
      deletedId
    }
    ... on Error {
      code
      detail
    }
  }
}
    `) as unknown as TypedDocumentString<DeleteConversationMutation, DeleteConversationMutationVariables>;
export const AppendInTurnDocument = new TypedDocumentString(`
    mutation AppendInTurn($input: AppendMessagesInput!) {
  appendMessages(input: $input) {
    __typename
    ... on Error {
      code
      detail
    }
    ... on RateLimitedError {
      retryAfterMs
    }
  }
}
    `) as unknown as TypedDocumentString<AppendInTurnMutation, AppendInTurnMutationVariables>;
export const StartInTurnDocument = new TypedDocumentString(`
    mutation StartInTurn($input: SendMessageInput!) {
  startReply(input: $input) {
    __typename
    ... on Error {
      code
      detail
    }
    ... on RateLimitedError {
      retryAfterMs
    }
    ... on ReplyRejectedError {
      retryAfterMs
    }
  }
}
    `) as unknown as TypedDocumentString<StartInTurnMutation, StartInTurnMutationVariables>;
export const WatchMessagesDocument = new TypedDocumentString(`
    subscription WatchMessages($id: ID!) {
  conversationEvents(conversationId: $id) {
    __typename
    ... on MessageAppended {
      message {
        content
        versions
      }
    }
  }
}
    `) as unknown as TypedDocumentString<WatchMessagesSubscription, WatchMessagesSubscriptionVariables>;
export const UpdateMessageDocument = new TypedDocumentString(`
    mutation UpdateMessage($input: UpdateMessageInput!) {
  updateMessage(input: $input) {
    __typename
    ... on UpdateMessageSuccess {
      message {
        id
        metadata
      }
    }
    ... on Error {
      code
      detail
    }
    ... on InvalidInputError {
      field
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateMessageMutation, UpdateMessageMutationVariables>;
export const NodeDocument = new TypedDocumentString(`
    query Node($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Message {
      content
    }
    ... on Conversation {
      title
    }
  }
}
    `) as unknown as TypedDocumentString<NodeQuery, NodeQueryVariables>;
export const NodesDocument = new TypedDocumentString(`
    query Nodes($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    id
  }
}
    `) as unknown as TypedDocumentString<NodesQuery, NodesQueryVariables>;
export const RecentContextDocument = new TypedDocumentString(`
    query RecentContext($conversationId: ID!, $maxTokens: Int, $startOn: ContextStart, $anchor: Float, $consistency: Consistency) {
  recentContext(
    conversationId: $conversationId
    maxTokens: $maxTokens
    startOn: $startOn
    anchor: $anchor
    consistency: $consistency
  ) {
    tokenCount
    maxTokens
    tokensExact
    omittedCount
    omittedTokens
    cut
    source
    chatMessages
    messages {
      sequence
      content
    }
    conversation {
      id
      title
    }
  }
}
    `) as unknown as TypedDocumentString<RecentContextQuery, RecentContextQueryVariables>;
export const ContextOfConversationDocument = new TypedDocumentString(`
    query ContextOfConversation($id: ID!) {
  conversation(id: $id) {
    recentContext {
      messages {
        content
      }
    }
    small: recentContext(maxTokens: 5) {
      cut
      messages {
        content
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ContextOfConversationQuery, ContextOfConversationQueryVariables>;
export const ContextAsSentDocument = new TypedDocumentString(`
    query ContextAsSent($id: ID!) {
  recentContext(conversationId: $id) {
    source
    chatMessages
    tokenCount
    messages {
      content
      status
    }
  }
}
    `) as unknown as TypedDocumentString<ContextAsSentQuery, ContextAsSentQueryVariables>;
export const ActiveReplyDocument = new TypedDocumentString(`
    query ActiveReply($id: ID!) {
  conversation(id: $id) {
    activeReply {
      id
      text
    }
  }
}
    `) as unknown as TypedDocumentString<ActiveReplyQuery, ActiveReplyQueryVariables>;
export const ReplyEventsDocument = new TypedDocumentString(`
    subscription ReplyEvents($id: ID!) {
  conversationEvents(conversationId: $id) {
    __typename
    ... on ReplyBegan {
      reply {
        id
      }
    }
    ... on ReplyEnded {
      reply {
        id
        status
        message {
          content
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReplyEventsSubscription, ReplyEventsSubscriptionVariables>;
export const LastRepliesDocument = new TypedDocumentString(`
    query LastReplies {
  conversations(first: 10) {
    nodes {
      id
      lastReply {
        text
        message {
          content
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LastRepliesQuery, LastRepliesQueryVariables>;
export const LastMessagesDocument = new TypedDocumentString(`
    query LastMessages($id: ID!) {
  conversation(id: $id) {
    messages(last: 10) {
      nodes {
        role
        content
        status
        clientMessageId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LastMessagesQuery, LastMessagesQueryVariables>;
export const VersionEventsDocument = new TypedDocumentString(`
    subscription VersionEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) {
    __typename
    ... on MessageAppended {
      message {
        id
        sequence
        content
      }
    }
    ... on MessageChanged {
      message {
        id
        sequence
        content
        status
      }
    }
    ... on BranchSelected {
      message {
        id
        sequence
        content
        versions
      }
      conversation {
        messageCount
      }
    }
  }
}
    `) as unknown as TypedDocumentString<VersionEventsSubscription, VersionEventsSubscriptionVariables>;
export const MessagesAfterDocument = new TypedDocumentString(`
    query MessagesAfter($id: ID!, $after: String) {
  conversation(id: $id) {
    messages(first: 100, after: $after) {
      edges {
        cursor
        node {
          id
          sequence
          content
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MessagesAfterQuery, MessagesAfterQueryVariables>;
export const TwoPathsDocument = new TypedDocumentString(`
    query TwoPaths($one: ID!, $two: ID!) {
  one: recentContext(conversationId: $one) {
    source
    messages {
      versions
    }
  }
  two: recentContext(conversationId: $two) {
    source
    messages {
      versions
    }
  }
}
    `) as unknown as TypedDocumentString<TwoPathsQuery, TwoPathsQueryVariables>;
export const PathPageDocument = new TypedDocumentString(`
    query PathPage($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  conversation(id: $id) {
    messages(first: $first, after: $after, last: $last, before: $before) {
      nodes {
        content
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PathPageQuery, PathPageQueryVariables>;
export const CreateConversationDocument = new TypedDocumentString(`
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
    ... on Error {
      code
      detail
    }
    ... on InvalidInputError {
      field
    }
    ... on ExternalIdTakenError {
      conversationId
    }
    ... on HistoryUnavailableError {
      retryable
    }
  }
}
    `) as unknown as TypedDocumentString<CreateConversationMutation, CreateConversationMutationVariables>;
export const AppendMessagesDocument = new TypedDocumentString(`
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
        usage {
          promptTokens
          completionTokens
          cachedPromptTokens
          reasoningTokens
          estimated
        }
        parts {
          __typename
          providerMetadata
          ... on TextPart {
            text
          }
          ... on ReasoningPart {
            text
          }
          ... on ToolCallPart {
            toolCallId
            toolName
            arguments
          }
          ... on ToolResultPart {
            toolCallId
            resultOf: toolName
            output
            isError
          }
          ... on FilePart {
            url
            mediaType
            filename
          }
          ... on DataPart {
            name
            data
          }
        }
      }
      conversation {
        id
        messageCount
        tokenCount
      }
    }
    ... on Error {
      code
      detail
    }
    ... on InvalidInputError {
      field
    }
    ... on ClientMessageIdConflictError {
      clientMessageId
      messageId
    }
    ... on HistoryUnavailableError {
      retryable
    }
  }
}
    `) as unknown as TypedDocumentString<AppendMessagesMutation, AppendMessagesMutationVariables>;
export const SendMessageDocument = new TypedDocumentString(`
    subscription SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    replyId
    cursor
    ... on ReplyQueued {
      position
    }
    ... on ReplyStarted {
      question {
        id
        content
        role
      }
      context {
        tokenCount
        messages {
          content
        }
      }
      model
    }
    ... on ReplyDelta {
      partIndex
      offset
      text
    }
    ... on ReplyPart {
      partIndex
      part {
        __typename
        ... on ToolCallPart {
          toolCallId
          toolName
          arguments
        }
      }
    }
    ... on ReplyCompleted {
      message {
        id
        content
        status
        finishReason
        replyTo
      }
    }
    ... on ReplyInterrupted {
      reason
      partial {
        content
        status
      }
    }
    ... on ReplyFailed {
      code
      detail
      retryable
      retryAfterMs
      partial {
        content
        status
      }
    }
    ... on ReplyRejected {
      code
      detail
      activeReplyId
      retryAfterMs
    }
  }
}
    `) as unknown as TypedDocumentString<SendMessageSubscription, SendMessageSubscriptionVariables>;
export const FollowReplyDocument = new TypedDocumentString(`
    subscription FollowReply($id: ID, $conversationId: ID, $after: String) {
  reply(id: $id, conversationId: $conversationId, after: $after) {
    __typename
    replyId
    cursor
    ... on ReplyStarted {
      question {
        id
        content
        role
      }
      context {
        tokenCount
        messages {
          content
        }
      }
      model
    }
    ... on ReplyDelta {
      partIndex
      offset
      text
    }
    ... on ReplyPart {
      partIndex
      part {
        __typename
        ... on ToolCallPart {
          toolCallId
          toolName
          arguments
        }
      }
    }
    ... on ReplyCompleted {
      message {
        id
        content
        status
        finishReason
        replyTo
      }
    }
    ... on ReplyInterrupted {
      reason
      partial {
        content
        status
      }
    }
    ... on ReplyFailed {
      code
      detail
      retryable
      retryAfterMs
      partial {
        content
        status
      }
    }
    ... on ReplyRejected {
      code
      detail
      activeReplyId
      retryAfterMs
    }
  }
}
    `) as unknown as TypedDocumentString<FollowReplySubscription, FollowReplySubscriptionVariables>;
export const StartReplyDocument = new TypedDocumentString(`
    mutation StartReply($input: SendMessageInput!) {
  startReply(input: $input) {
    __typename
    ... on StartReplySuccess {
      reply {
        id
        status
        text
        cursor
        endedAt
        question {
          content
        }
        message {
          content
        }
      }
    }
    ... on Error {
      code
      detail
    }
    ... on InvalidInputError {
      field
    }
    ... on ReplyRejectedError {
      activeReplyId
      retryAfterMs
    }
  }
}
    `) as unknown as TypedDocumentString<StartReplyMutation, StartReplyMutationVariables>;
export const CancelReplyDocument = new TypedDocumentString(`
    mutation CancelReply($id: ID!) {
  cancelReply(id: $id) {
    __typename
    ... on CancelReplySuccess {
      reply {
        id
        status
      }
    }
    ... on Error {
      code
      detail
    }
  }
}
    `) as unknown as TypedDocumentString<CancelReplyMutation, CancelReplyMutationVariables>;
export const ReadReplyDocument = new TypedDocumentString(`
    query ReadReply($id: ID!) {
  reply(id: $id) {
    id
    status
    text
    cursor
    startedAt
    endedAt
    question {
      content
    }
    message {
      content
      status
    }
  }
  node(id: $id) {
    __typename
    id
  }
}
    `) as unknown as TypedDocumentString<ReadReplyQuery, ReadReplyQueryVariables>;
export const StoredMessagesDocument = new TypedDocumentString(`
    query StoredMessages($id: ID!) {
  conversation(id: $id) {
    messages(last: 100) {
      nodes {
        content
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StoredMessagesQuery, StoredMessagesQueryVariables>;
export const SelectVersionDocument = new TypedDocumentString(`
    mutation SelectVersion($messageId: ID!) {
  selectVersion(messageId: $messageId) {
    __typename
    ... on SelectVersionSuccess {
      message {
        id
        content
      }
      conversation {
        messageCount
        tokenCount
        messages(first: 100) {
          nodes {
            content
          }
        }
        recentContext {
          messages {
            content
          }
        }
      }
    }
    ... on Error {
      code
      detail
    }
    ... on HistoryUnavailableError {
      retryable
    }
  }
}
    `) as unknown as TypedDocumentString<SelectVersionMutation, SelectVersionMutationVariables>;
export const RedactMessageDocument = new TypedDocumentString(`
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
          ... on ToolCallPart {
            toolCallId
            toolName
            arguments
          }
          ... on ToolResultPart {
            toolCallId
            output
          }
        }
      }
    }
    ... on Error {
      code
      detail
    }
    ... on HistoryUnavailableError {
      retryable
    }
  }
}
    `) as unknown as TypedDocumentString<RedactMessageMutation, RedactMessageMutationVariables>;
export const ReadPathDocument = new TypedDocumentString(`
    query ReadPath($id: ID!) {
  conversation(id: $id) {
    messageCount
    tokenCount
    messages(first: 100) {
      nodes {
        id
        sequence
        content
        tokenCount
        versions
      }
    }
    recentContext {
      messages {
        content
      }
      tokenCount
      omittedCount
    }
  }
}
    `) as unknown as TypedDocumentString<ReadPathQuery, ReadPathQueryVariables>;
export const ReadVersionsDocument = new TypedDocumentString(`
    query ReadVersions($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    ... on Message {
      content
      versions
    }
  }
}
    `) as unknown as TypedDocumentString<ReadVersionsQuery, ReadVersionsQueryVariables>;