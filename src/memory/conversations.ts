import { ExternalIdTakenError, NotFoundError } from '../errors.ts'
import type { KnownHeads } from './append/known-heads.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import {
  type Conversation,
  type ConversationChanges,
  type NewConversation,
  type Origin,
  ROOT_BRANCH,
} from './conversation.ts'
import type { Eraser } from './erase/eraser.ts'
import type { ConversationChange } from './events/conversation-events.ts'
import type { ConversationKey, ConversationRange, History } from './history/history.ts'
import { createConversationId } from './ids.ts'
import { checkChanges, checkNewConversation } from './input/limits.ts'
import { DEFAULT_ENCODING } from './tokens/encoding.ts'

/** A conversation in its owner's list. */
export interface ListedConversation {
  conversation: Conversation
  /** Where it stands: by what is written of `lastMessageAt`, which may be behind what the conversation shows. */
  key: ConversationKey
}

/** The conversations of owners, without their messages. A foreign id is answered as a missing one. */
export interface Conversations {
  /**
   * FAIL: an external id that is taken is an ExternalIdTakenError; RETURN: its conversation is returned as it is. An
   * id that it brings along and that is in use elsewhere is a ConversationIdTakenError.
   */
  createConversation(
    ownerId: string,
    input: NewConversation,
    ifExists: 'FAIL' | 'RETURN',
    origin?: Origin,
  ): Promise<{ conversation: Conversation; created: boolean }>
  /** Rejects with NotFoundError where it is missing or foreign, as deleteConversation does. */
  updateConversation(ownerId: string, id: string, changes: ConversationChanges): Promise<Conversation>
  deleteConversation(ownerId: string, id: string): Promise<void>
  findConversations(ownerId: string, ids: readonly string[]): Promise<(Conversation | undefined)[]>
  findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined>
  /** In the order of their keys. What a page goes on from is a key of this list, and no other `lastMessageAt`. */
  listConversations(range: ConversationRange): Promise<ListedConversation[]>
}

/** Where conversations are stored and their events are published; `now` returns epoch milliseconds. */
export interface ConversationsDeps {
  guard: Pick<CacheGuard, 'drop'>
  history: History
  heads: Pick<KnownHeads, 'apply'>
  now: () => number
  deleteConversation: Eraser['deleteConversation']
  publish(conversationId: string, changes: readonly ConversationChange[]): void
}

/** Checks input, stores conversations and publishes their changes. */
export function createConversations(deps: ConversationsDeps): Conversations {
  const { guard, history, heads, now, deleteConversation, publish } = deps

  async function findConversations(ownerId: string, ids: readonly string[]): Promise<(Conversation | undefined)[]> {
    return (await history.findConversations(ownerId, ids)).map((found) => found && heads.apply(found))
  }

  async function findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined> {
    const found = await history.findConversationByExternalId(ownerId, externalId)
    return found && heads.apply(found)
  }

  async function listConversations(range: ConversationRange): Promise<ListedConversation[]> {
    return (await history.listConversations(range)).map((found) => ({
      conversation: heads.apply(found),
      key: { lastMessageAt: found.lastMessageAt, id: found.id },
    }))
  }

  async function createConversation(
    ownerId: string,
    input: NewConversation,
    ifExists: 'FAIL' | 'RETURN',
    origin: Origin = {},
  ): Promise<{ conversation: Conversation; created: boolean }> {
    checkNewConversation(input, now())
    const result = await history.createConversation(newConversation(ownerId, input, origin, now()))
    if (!result.created && ifExists === 'FAIL') {
      throw new ExternalIdTakenError(input.externalId ?? '', result.conversation.id)
    }
    return { ...result, conversation: heads.apply(result.conversation) }
  }

  async function updateConversation(ownerId: string, id: string, changes: ConversationChanges): Promise<Conversation> {
    checkChanges(changes, now())
    const conversation = await history.updateConversation(ownerId, id, changes)
    if (conversation === undefined) throw new NotFoundError('conversation', id)
    // A cached tail lives no longer than its conversation: the next fill knows the new end.
    if (changes.expiresAt !== undefined && !(await guard.drop(id))) await history.markDropDue(ownerId, id, now())
    publish(id, [{ type: 'ConversationChanged' }])
    return heads.apply(conversation)
  }

  return {
    createConversation,
    updateConversation,
    deleteConversation,
    findConversations,
    findConversationByExternalId,
    listConversations,
  }
}

function newConversation(ownerId: string, input: NewConversation, origin: Origin, now: number): Conversation {
  const { createdAt = now } = origin
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
    ...origin,
  }
}
