/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Messages to be stored at the end of a conversation. */
export type AppendMessagesInput = {
  /** The conversation. */
  conversationId: string | number;
  /** In order, 1 to 1,000. All are stored; after a failure a retry with the same client ids completes them. */
  messages: Array<NewMessageInput>;
};

/** A conversation to be created. */
export type CreateConversationInput = {
  /** The tokenizer encoding to count its messages with: o200k_base (the default) or an older one. It cannot be changed. */
  encoding?: string | null | undefined;
  /** When it is deleted; absent: never. */
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

/** What went wrong, for programs. There will be more. */
export type ErrorCode =
  /** The input breaks a limit. */
  | 'BAD_USER_INPUT'
  /** The client id is stored with other content. */
  | 'CLIENT_MESSAGE_ID_CONFLICT'
  /** Another of your conversations has this external id. */
  | 'EXTERNAL_ID_TAKEN'
  /** The store cannot be reached. */
  | 'HISTORY_UNAVAILABLE'
  /** There is no such object for you. */
  | 'NOT_FOUND';

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

/** Whether a message is all that it was meant to be. */
export type MessageStatus =
  /** It is. */
  | 'COMPLETE'
  /** A reply whose model failed; what had been written by then. */
  | 'FAILED'
  /** A reply that was stopped; what had been written by then. */
  | 'INTERRUPTED'
  /** The content was removed; the place and the token count remain. */
  | 'REDACTED';

/** A message to be stored. It has `content`, `parts` or both. */
export type NewMessageInput = {
  /** Who of several users, or which agent, wrote it. 1 to 128 characters. */
  author?: string | null | undefined;
  /** The client's own id of it, unique in the conversation: the same message sent again is not stored twice. 1 to 256 characters. */
  clientMessageId?: string | null | undefined;
  /** Text; it becomes the first part. */
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
    | { __typename: 'AppendMessagesSuccess', created: number, messages: Array<{ id: string, sequence: number, role: Role, status: MessageStatus, content: string, author: string | null, replyTo: string | null, versions: Array<string>, metadata: unknown, tokenCount: number, createdAt: string, clientMessageId: string | null, finishReason: FinishReason | null, model: string | null, usage: { promptTokens: number, completionTokens: number, cachedPromptTokens: number | null, reasoningTokens: number | null, estimated: boolean } | null, parts: Array<
          | { __typename: 'DataPart', name: string, data: unknown, providerMetadata: unknown }
          | { __typename: 'FilePart', url: string, mediaType: string, filename: string | null, providerMetadata: unknown }
          | { __typename: 'ReasoningPart', text: string, providerMetadata: unknown }
          | { __typename: 'TextPart', text: string, providerMetadata: unknown }
          | { __typename: 'ToolCallPart', toolCallId: string, toolName: string, arguments: string, providerMetadata: unknown }
          | { __typename: 'ToolResultPart', toolCallId: string, output: string, isError: boolean, providerMetadata: unknown, resultOf: string | null }
        > }>, conversation: { id: string, messageCount: number, tokenCount: number } }
    | { __typename: 'ClientMessageIdConflictError', code: ErrorCode, detail: string, clientMessageId: string, messageId: string }
    | { __typename: 'HistoryUnavailableError', code: ErrorCode, detail: string, retryable: boolean }
    | { __typename: 'InvalidInputError', code: ErrorCode, detail: string, field: string }
    | { __typename: 'NotFoundError', code: ErrorCode, detail: string }
   };

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