import type { Head, Metadata } from './message.ts'

/** The branch on which every conversation begins. Other branches have random ids. */
export const ROOT_BRANCH = '0'

/** A version of a message and what follows it: its first own message stands at `atSequence`. */
export interface Branch {
  id: string
  parent: string
  atSequence: number
}

/** A conversation as it is stored, without its messages. */
export interface Conversation {
  id: string
  ownerId: string
  externalId?: string
  title?: string
  model?: string
  /** The system prompt that `sendMessage` puts before the context. */
  instructions?: string
  /** The tokenizer's encoding that this conversation is counted with. */
  encoding: string
  metadata?: Metadata
  /** Without the root. */
  branches: Branch[]
  activeBranch: string
  /** Rises by one with every change of the active branch. */
  branchEpoch: number
  /** Hints, moved forward after an append: each is at or below its branch's true head. */
  heads: Record<string, Head>
  /** Epoch milliseconds, as all times here. */
  createdAt: number
  /** The newest message's arrival as far as the hint knows; `createdAt` before the first. */
  lastMessageAt: number
  archivedAt?: number
  expiresAt?: number
}

/** What a client says of a conversation when it creates one. */
export interface NewConversation {
  externalId?: string
  title?: string
  model?: string
  instructions?: string
  encoding?: string
  metadata?: Metadata
  expiresAt?: number
}

/** What `updateConversation` may change; null removes a value. */
export interface ConversationChanges {
  title?: string | null
  model?: string | null
  instructions?: string | null
  metadata?: Metadata | null
  archivedAt?: number | null
  expiresAt?: number | null
}

const EMPTY_HEAD: Head = { sequence: 0, tokens: 0 }

/** The hint for a branch; a branch that has none yet begins empty. */
export function headHint(conversation: Conversation, branch: string): Head {
  return conversation.heads[branch] ?? EMPTY_HEAD
}
