import type { Message } from './message.ts'
import type { ContextCut, WindowRequest } from './read/window.ts'

/** EVENTUAL trusts the marks in the cache, STRONG looks at the head in history (protocol A1). */
export type Consistency = 'EVENTUAL' | 'STRONG'
/** Where the messages of a context came from. */
export type ContextSource = 'CACHE' | 'HISTORY' | 'CACHE_AND_HISTORY'

/** A window of one conversation, for its owner. */
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
