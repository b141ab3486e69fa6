import { ExternalIdTakenError, NotFoundError } from '../errors.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import { type Conversation, type ConversationChanges, type NewConversation, ROOT_BRANCH } from './conversation.ts'
import type { Eraser } from './erase/eraser.ts'
import type { ConversationChange } from './events/conversation-events.ts'
import type { ConversationRange, History } from './history/history.ts'
import { createConversationId } from './ids.ts'
import { checkChanges, checkNewConversation } from './input/limits.ts'
import { DEFAULT_ENCODING } from './tokens/encoding.ts'

/** The conversations of owners, without their messages. A foreign id is answered as a missing one. */
export interface Conversations {
  /** FAIL: an external id that is taken is an ExternalIdTakenError; RETURN: its conversation is returned as it is. */
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
}

/** What they are kept in, and who is told of changes; `now` gives epoch milliseconds. */
export interface ConversationsParts {
  guard: Pick<CacheGuard, 'drop'>
  history: History
  now: () => number
  deleteConversation: Eraser['deleteConversation']
  tell(conversationId: string, changes: readonly ConversationChange[]): void
}

/** Checks what clients say of conversations, stores it, and tells those who follow them. */
export function createConversations(parts: ConversationsParts): Conversations {
  const { guard, history, now, deleteConversation, tell } = parts
  return {
    findConversations: history.findConversations,
    findConversationByExternalId: history.findConversationByExternalId,
    listConversations: history.listConversations,

    async createConversation(ownerId, input, ifExists) {
      checkNewConversation(input, now())
      const result = await history.createConversation(newConversation(ownerId, input, now()))
      if (!result.created && ifExists === 'FAIL') {
        throw new ExternalIdTakenError(input.externalId ?? '', result.conversation.id)
      }
      return result
    },

    async updateConversation(ownerId, id, changes) {
      checkChanges(changes, now())
      const conversation = await history.updateConversation(ownerId, id, changes)
      if (conversation === undefined) throw new NotFoundError('conversation', id)
      // A cached tail lives no longer than its conversation: the next fill knows the new end.
      if (changes.expiresAt !== undefined) await guard.drop(id)
      tell(id, [{ type: 'ConversationChanged' }])
      return conversation
    },

    async deleteConversation(ownerId, id) {
      await deleteConversation(ownerId, id)
      tell(id, [{ type: 'ConversationDeleted' }])
    },
  }
}

function newConversation(ownerId: string, input: NewConversation, createdAt: number): Conversation {
  return {
    encoding: DEFAULT_ENCODING,
    ...input,
    id: createConversationId(),
    ownerId,
    branches: [],
    activeBranch: ROOT_BRANCH,
    branchEpoch: 0,
    selectedEpochs: {},
    heads: {},
    createdAt,
    lastMessageAt: createdAt,
  }
}
