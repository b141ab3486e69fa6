/** Who speaks. The wire names of the chat completions API, in capitals as GraphQL enums are. */
export type Role = 'SYSTEM' | 'DEVELOPER' | 'USER' | 'ASSISTANT' | 'TOOL'

/** Whether a message is all that it was meant to be. */
export type MessageStatus = 'COMPLETE' | 'INTERRUPTED' | 'FAILED' | 'REDACTED'

/** Why a model stopped writing, as the chat completions API says it. */
export type FinishReason = 'STOP' | 'LENGTH' | 'TOOL_CALLS' | 'CONTENT_FILTER'

/** JSON as a client gave it; opaque to us. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What an application keeps with an object: flat, small, and never counted. */
export type Metadata = Record<string, string | number | boolean | null>

/** What a reply cost, in tokens, as the provider said it, or counted by us (`estimated`). */
export interface Usage {
  promptTokens: number
  completionTokens: number
  cachedPromptTokens?: number
  reasoningTokens?: number
  estimated: boolean
}

interface Provided {
  /** Opaque data of a model provider, kept as it came and counted. */
  providerMetadata?: Json
}

/** What somebody wrote. */
export type TextPart = Provided & { type: 'text'; text: string }
/** What a model thought before it answered. */
export type ReasoningPart = Provided & { type: 'reasoning'; text: string }
/** A model's wish to call a tool; `arguments` is the JSON text exactly as the model wrote it. */
export type ToolCallPart = Provided & { type: 'toolCall'; toolCallId: string; toolName: string; arguments: string }
/** What the tool gave back, as the text that the model gets to read. */
export type ToolResultPart = Provided & {
  type: 'toolResult'
  toolCallId: string
  toolName?: string
  output: string
  isError?: boolean
}
/** A file by its address; its content is not stored. */
export type FilePart = Provided & { type: 'file'; url: string; mediaType: string; filename?: string }
/** An application's own data beside the text. */
export type DataPart = Provided & { type: 'data'; name: string; data: Json }
/** A piece of a message. */
export type MessagePart = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | FilePart | DataPart

/** What a message says, before it has a place. */
export interface MessageDraft {
  role: Role
  status: MessageStatus
  parts: MessagePart[]
  /** Epoch milliseconds. */
  createdAt: number
  author?: string
  /** Id of the message that this one answers. */
  replyTo?: string
  metadata?: Metadata
  /** The client's own id of the message; unique in its conversation. */
  clientMessageId?: string
  /** Set on a reply's message: the id of the reply that wrote it. */
  replyId?: string
  finishReason?: FinishReason
  usage?: Usage
  model?: string
}

/** What a client says when it appends a message. */
export interface NewMessage {
  role: Role
  parts: MessagePart[]
  clientMessageId?: string
  author?: string
  metadata?: Metadata
  /** Epoch milliseconds; now when absent. */
  createdAt?: number
}

/** Where a message stands on its path, and what it costs (design: positions are prefix sums). */
export interface Position {
  branch: string
  /** 1, 2, 3 … with no gaps along a path. */
  sequence: number
  /** What the message costs in a prompt. */
  tokens: number
  /** Sum of `tokens` of all earlier messages on the path. */
  tokenStart: number
}

/** No message costs less: the chat framing alone is four tokens. So a budget bounds a number of messages. */
export const MIN_MESSAGE_TOKENS = 4

/** A stored message. */
export interface Message extends MessageDraft, Position {
  id: string
  conversationId: string
}

/** The end of a path: the newest message's sequence, and the tokens of the path up to and with it. */
export interface Head {
  sequence: number
  tokens: number
}

/** The text parts of a message joined; `""` when it has none. */
export function contentOf(parts: readonly MessagePart[]): string {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text') return only.text
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
