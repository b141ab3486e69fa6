import type { Conversation, ConversationChanges } from './conversation.ts'
import type { ConversationEvent } from './conversation-events.ts'
import type { ConversationRange, SequenceRange } from './history.ts'
import type { Head, Message, MessagePart, Metadata, Role } from './message.ts'
import type { ContextCut, WindowRequest } from './window.ts'

export type Consistency = 'EVENTUAL' | 'STRONG'
export type ContextSource = 'CACHE' | 'HISTORY' | 'CACHE_AND_HISTORY'

export interface ContextRequest extends WindowRequest {
  ownerId: string
  conversationId: string
  consistency: Consistency
}

/** The newest messages that fit a budget, oldest first, with the report of what was left out and why. */
export interface Context {
  conversationId: string
  messages: Message[]
  tokenCount: number
  maxTokens: number
  /** Whether `tokenCount` is what the tokenizer counts for a prompt: false as soon as a part is not text. */
  tokensExact: boolean
  omittedCount: number
  omittedTokens: number
  cut: ContextCut
  source: ContextSource
}

export interface NewConversation {
  externalId?: string
  title?: string
  model?: string
  instructions?: string
  encoding?: string
  metadata?: Metadata
  expiresAt?: number
}

export interface NewMessage {
  role: Role
  parts: MessagePart[]
  clientMessageId?: string
  author?: string
  metadata?: Metadata
  /** Epoch milliseconds; now when absent. */
  createdAt?: number
}

/**
 * What the server remembers. Every method takes the owner: there is no way to ask without one, and a
 * foreign id is answered as a missing one. Errors are those of errors.ts.
 */
export interface Memory {
  /** One cache round trip for all; per request a context or the error that its reader gets. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>

  createConversation(
    ownerId: string,
    input: NewConversation,
    ifExists: 'FAIL' | 'RETURN',
  ): Promise<{ conversation: Conversation; created: boolean }>
  updateConversation(ownerId: string, id: string, changes: ConversationChanges): Promise<Conversation>
  deleteConversation(ownerId: string, id: string): Promise<void>
  findConversations(ownerId: string, ids: readonly string[]): Promise<(Conversation | undefined)[]>
  findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined>
  listConversations(range: ConversationRange): Promise<Conversation[]>
  /** The true end of the active path: the hint and what is newer. */
  readHead(conversation: Conversation): Promise<Head>

  /** All stored, in order, or (the same client ids with the same content) already there; `created` tells which. */
  appendMessages(
    ownerId: string,
    conversationId: string,
    messages: readonly NewMessage[],
  ): Promise<{ messages: Message[]; created: number; conversation: Conversation }>
  /** Along the active path, oldest first. */
  readMessages(ownerId: string, range: Omit<SequenceRange, 'branch'>): Promise<Message[]>
  findMessages(ownerId: string, ids: readonly string[]): Promise<(Message | undefined)[]>
  /** Metadata only; null removes it. */
  updateMessage(ownerId: string, id: string, metadata: Metadata | null): Promise<Message>

  /** Rejects with NotFoundError before the first event when there is no such conversation for the owner. */
  subscribe(
    ownerId: string,
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ConversationEvent>>

  /** Waits for the background work, at most `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}
