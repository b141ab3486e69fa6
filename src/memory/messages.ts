import { NotFoundError } from '../errors.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import { type Conversation, headHint } from './conversation.ts'
import type { ConversationChange } from './events/conversation-events.ts'
import type { History, MessageRun, SequenceRange } from './history/history.ts'
import { placeOf } from './ids.ts'
import { checkMetadata } from './input/limits.ts'
import type { Head, Message, Metadata } from './message.ts'
import { readPathSequences } from './read/path-sequences.ts'
import { isListed } from './versions/branches.ts'
import { type SelectedVersion, selectVersion } from './versions/version-selector.ts'
import type { Writer } from './writer.ts'

type PathRange = Omit<SequenceRange, 'conversationId' | 'branch'>

/** The stored messages of owners. A foreign id is answered as a missing one. */
export interface Messages {
  /** Along the active path of a conversation that was found for its owner, oldest first. */
  readMessages(conversation: Conversation, range: PathRange): Promise<MessageRun>
  /** Rejects with QueryTooComplexError where they have more than `maxLength` characters together. */
  findMessages(ownerId: string, ids: readonly string[], maxLength?: number): Promise<(Message | undefined)[]>
  /** Messages of one conversation, in the order asked, with the conversation as it is now. One round trip. */
  findInConversation(
    ownerId: string,
    conversationId: string,
    ids: readonly string[],
  ): Promise<{ conversation: Conversation | undefined; messages: (Message | undefined)[] }>
  /** Makes the path through a message active that was active last; does nothing where that is so. */
  selectVersion(ownerId: string, messageId: string): Promise<SelectedVersion>
  /** Its content is gone from every store when this returns; its position and its tool calls' ids stay. */
  redactMessage(ownerId: string, id: string): Promise<Message>
  /** Metadata only; null removes it. */
  updateMessage(ownerId: string, id: string, metadata: Metadata | null): Promise<Message>
}

/** Where messages are stored and their events are published. */
export interface MessagesDeps {
  guard: Pick<CacheGuard, 'drop' | 'mark'>
  history: History
  writer: Pick<Writer, 'run'>
  /** Epoch milliseconds. */
  now: () => number
  redact(ownerId: string, id: string): Promise<Message>
  publish(conversationId: string, changes: readonly ConversationChange[]): void
}

/** Reads messages, changes what may change of them, and publishes the changes. */
export function createMessages(deps: MessagesDeps): Messages {
  const { guard, history, now, redact, publish } = deps

  async function readMessages(conversation: Conversation, range: PathRange): Promise<MessageRun> {
    const { activeBranch } = conversation
    const tight = tightRange(range, headHint(conversation, activeBranch))
    return readPathSequences(history, conversation, activeBranch, tight)
  }

  async function findMessages(
    ownerId: string,
    ids: readonly string[],
    maxLength?: number,
  ): Promise<(Message | undefined)[]> {
    const conversationIds = [...new Set(ids.flatMap((id) => placeOf(id)?.conversationId ?? []))]
    const reading = history.findMessages(ids, maxLength)
    const finding = history.findConversations(ownerId, conversationIds)
    // Of others' messages nothing is said, neither how long they are nor whether they can be read.
    const ownReading = reading.catch(async (error: unknown) => {
      const known = new Set((await finding).map((conversation) => conversation?.id))
      const own = ids.filter((id) => known.has(placeOf(id)?.conversationId))
      if (own.length === ids.length) throw error
      return history.findMessages(own, maxLength)
    })
    const [messages, conversations] = await Promise.all([ownReading, finding])
    const owned = new Map(conversations.map((conversation) => [conversation?.id, conversation]))
    const found = new Map(messages.map((message) => [message?.id, message]))
    return ids.map((id) => {
      const message = found.get(id)
      return ifListed(message && owned.get(message.conversationId), message)
    })
  }

  async function findInConversation(ownerId: string, conversationId: string, ids: readonly string[]) {
    const own = ids.filter((id) => placeOf(id)?.conversationId === conversationId)
    const [found, [conversation]] = await Promise.all([
      own.length > 0 ? history.findMessages(own) : [],
      history.findConversations(ownerId, [conversationId]),
    ])
    const messageById = new Map(own.map((id, index) => [id, ifListed(conversation, found[index])]))
    return { conversation, messages: ids.map((id) => messageById.get(id)) }
  }

  async function redactMessage(ownerId: string, id: string): Promise<Message> {
    const message = await redact(ownerId, id)
    publish(message.conversationId, [{ type: 'MessageChanged', messageId: id }])
    return message
  }

  async function updateMessage(ownerId: string, id: string, metadata: Metadata | null): Promise<Message> {
    if (metadata !== null) checkMetadata('metadata', metadata)
    const place = placeOf(id)
    const [conversation] = await history.findConversations(ownerId, place ? [place.conversationId] : [])
    const isThere = place && conversation && isListed(conversation, place.branch)
    const message = isThere ? await history.updateMessageMetadata(id, metadata) : undefined
    if (message === undefined) throw new NotFoundError('message', id)
    // After the write, as a redaction's (A4): a tail filled from here on holds the new metadata.
    const isDropped = await guard.drop(message.conversationId)
    if (!isDropped) await history.markDropDue(ownerId, message.conversationId, now())
    publish(message.conversationId, [{ type: 'MessageChanged', messageId: id }])
    return message
  }

  return {
    readMessages,
    findMessages,
    findInConversation,
    selectVersion: (ownerId, messageId) => selectVersion(deps, ownerId, messageId),
    redactMessage,
    updateMessage,
  }
}

/** What is on a branch that is not listed was never acknowledged. */
function ifListed(conversation: Conversation | undefined, message: Message | undefined): Message | undefined {
  return message && conversation && isListed(conversation, message.branch) ? message : undefined
}

/**
 * The same range with both bounds near: sequences have no gaps, and the true head is at or above the
 * hint. Not every server stops at a limit.
 */
function tightRange(range: PathRange, hint: Head): PathRange {
  const { afterSequence, beforeSequence, limit, from } = range
  if (from === 'OLDEST') return { ...range, beforeSequence: Math.min(beforeSequence, afterSequence + limit + 1) }
  const newest = Math.min(beforeSequence - 1, hint.sequence)
  return { ...range, afterSequence: Math.max(afterSequence, newest - limit) }
}
