import type { Message } from '../../src/memory/message.ts'

/** The same servers for every peer. */
export interface PeerStores {
  mongodbUrl: string
  redisUrl: string
}

/** Another way to remember conversations, behind one interface, used as its own documentation recommends. */
export interface Peer {
  name: string
  /** Stores a conversation that it does not have, in its own form. */
  fill(conversationId: string, messages: readonly Message[]): Promise<void>
  /** The newest messages that fit the budget, or as many as the peer would take for it. */
  readContext(conversationId: string, maxTokens: number): Promise<readonly unknown[]>
  /** Drops what it caches of a conversation; absent where it caches nothing. */
  forget?(conversationId: string): Promise<void>
  close(): Promise<void>
}
