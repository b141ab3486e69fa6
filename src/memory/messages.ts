import { NotFoundError } from '../errors.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import { type Conversation, headHint } from './conversation.ts'
import type { ConversationChange } from './events/conversation-events.ts'
import type { History, SequenceRange } from './history/history.ts'
import { placeOf } from './ids.ts'
import { checkMetadata } from './input/limits.ts'
import type { Head, Message, Metadata } from './message.ts'
import { readPathSequences } from './read/path-history.ts'
import { isListed } from './versions/branches.ts'
import { type SelectedVersion, selectVersion } from './versions/version-selector.ts'
import type { Writer } from './writer.ts'

type PathRange = Omit<SequenceRange, 'conversationId' | 'branch'>

/** The stored messages of owners. A foreign id is answered as a missing one. */
export interface Messages {
  /** Along the active path of a conversation that was found for its owner, oldest first. */
  readMessages(conversation: Conversation, range: PathRange): Promise<Message[]>
  findMessages(ownerId: string, ids: readonly string[]): Promise<(Message | undefined)[]>
  /** Makes the path through a message active that was active last; does nothing where that is so. */
  selectVersion(ownerId: string, messageId: string): Promise<SelectedVersion>
  /** What it says is gone from every store when this returns; its place, its tokens and its tool calls' ids stay. */
  redactMessage(ownerId: string, id: string): Promise<Message>
  /** Metadata only; null removes it. */
  updateMessage(ownerId: string, id: string, metadata: Metadata | null): Promise<Message>
}

/** What they are kept in, and who is told of changes. */
export interface MessagesParts {
  guard: Pick<CacheGuard, 'drop' | 'mark'>
  history: History
  writer: Pick<Writer, 'run'>
  redact(ownerId: string, id: string): Promise<Message>
  tell(conversationId: string, changes: readonly ConversationChange[]): void
}

/** Reads messages and changes them as far as they can be changed; tells those who follow their conversation. */
export function createMessages(parts: MessagesParts): Messages {
  const { guard, history, redact, tell } = parts
  return {
    readMessages(conversation, range) {
      const { activeBranch } = conversation
      const tight = tightRange(range, headHint(conversation, activeBranch))
      return readPathSequences(history, conversation, activeBranch, tight)
    },

    async findMessages(ownerId, ids) {
      const owners = [...new Set(ids.flatMap((id) => placeOf(id)?.conversationId ?? []))]
      const [messages, conversations] = await Promise.all([
        history.findMessages(ids),
        history.findConversations(ownerId, owners),
      ])
      const owned = new Map(conversations.map((conversation) => [conversation?.id, conversation]))
      return messages.map((message) => {
        const tree = message && owned.get(message.conversationId)
        return tree && isListed(tree, message.branch) ? message : undefined
      })
    },

    selectVersion: (ownerId, messageId) => selectVersion(parts, ownerId, messageId),

    async redactMessage(ownerId, id) {
      const message = await redact(ownerId, id)
      tell(message.conversationId, [{ type: 'MessageChanged', messageId: id }])
      return message
    },

    async updateMessage(ownerId, id, metadata) {
      if (metadata !== null) checkMetadata('metadata', metadata)
      const place = placeOf(id)
      const [conversation] = await history.findConversations(ownerId, place ? [place.conversationId] : [])
      const message = conversation && (await history.updateMessageMetadata(id, metadata))
      if (message === undefined) throw new NotFoundError('message', id)
      // After the write, as a redaction's (A4): a tail filled from here on holds the new metadata.
      await guard.drop(message.conversationId)
      tell(message.conversationId, [{ type: 'MessageChanged', messageId: id }])
      return message
    },
  }
}

/**
 * The same stretch with both bounds near: sequences have no gaps, and the true head is at or above the
 * hint. Not every server stops at a limit.
 */
function tightRange(range: PathRange, hint: Head): PathRange {
  const { afterSequence, beforeSequence, limit, from } = range
  if (from === 'OLDEST') return { ...range, beforeSequence: Math.min(beforeSequence, afterSequence + limit + 1) }
  const newest = Math.min(beforeSequence - 1, hint.sequence)
  return { ...range, afterSequence: Math.max(afterSequence, newest - limit) }
}
