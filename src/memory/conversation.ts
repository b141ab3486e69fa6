import { ownValue } from '../own-value.ts'
import type { Head, Metadata } from './message.ts'

/** The branch on which every conversation begins. Other branches have random ids. */
export const ROOT_BRANCH = '0'

/**
 * A version of a message and what follows it: its first own message takes the place of one of the parent's,
 * sequence and tokens before it, so positions along every path stay prefix sums.
 */
export interface Branch {
  id: string
  /** The branch whose message it replaces; never one that begins at the same place. */
  parent: string
  /** Where its first own message stands. */
  atSequence: number
  tokenStart: number
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
  /** Without the root, in the order of their making. */
  branches: Branch[]
  activeBranch: string
  /** Rises with every change of the active branch. */
  branchEpoch: number
  /** By branch the epoch with which it was last made active; absent: never since the beginning. */
  selectedEpochs: Record<string, number>
  /** Hints, moved forward after an append: each is at or below its branch's true head. */
  heads: Record<string, Head>
  /** Epoch milliseconds, as all times here. */
  createdAt: number
  /** The newest message's arrival as far as the hint knows; `createdAt` before the first. */
  lastMessageAt: number
  archivedAt?: number
  expiresAt?: number
  /**
   * Since then a cached tail may hold what was changed or redacted, as its drop may be lost: no base, and no hit of a
   * send. The sweep unsets it with a second drop (protocol A4).
   */
  dropDue?: number
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

/** What a conversation brings along from where it was before; what is absent is new. Times in epoch milliseconds. */
export type Origin = Partial<Pick<Conversation, 'id' | 'createdAt' | 'lastMessageAt' | 'archivedAt'>>

/** What `updateConversation` may change; null removes a value. */
export interface ConversationChanges {
  title?: string | null
  model?: string | null
  instructions?: string | null
  metadata?: Metadata | null
  archivedAt?: number | null
  expiresAt?: number | null
}

/** The hint for a branch; one that has none yet, or one from before its beginning, is as empty as it began. */
export function headHint({ heads, branches }: Conversation, branch: string): Head {
  const hint = ownValue(heads, branch)
  const { atSequence = 1, tokenStart = 0 } = branches.find(({ id }) => id === branch) ?? {}
  const begin = { sequence: atSequence - 1, tokens: tokenStart }
  return hint !== undefined && hint.sequence > begin.sequence ? hint : begin
}
