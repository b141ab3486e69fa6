import { ExternalIdTakenError, NotFoundError } from '../errors.ts'
import { type Appended, createAppender, type Placed, readHead, type Turn } from './appender.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import type { Context, ContextRequest } from './context.ts'
import { contextOf, createContextReader, type TurnPath } from './context-reader.ts'
import type { NewConversation } from './conversation.ts'
import { type Conversation, type ConversationChanges, headHint, ROOT_BRANCH } from './conversation.ts'
import { createEraser } from './eraser.ts'
import type { ConversationChange, ConversationEvent, ConversationEvents } from './events/conversation-events.ts'
import type { ConversationRange, History, SequenceRange } from './history/history.ts'
import type { ReplyRecords } from './history/reply-record.ts'
import { createConversationId, isConversationId, placeOf } from './ids.ts'
import { checkChanges, checkContextRequest, checkMetadata, checkNewConversation, checkNewMessages } from './limits.ts'
import type { Head, Message, MessageDraft, Metadata, NewMessage } from './message.ts'
import { createPathReader, findConversation, type PathReaderLimits, type PathReaderParts } from './path-reader.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import type { WindowRequest } from './window.ts'
import type { Writer } from './writer.ts'

/**
 * What the server remembers. Every method takes the owner: there is no way to ask without one, and a
 * foreign id is answered as a missing one. Errors are those of errors.ts.
 */
export interface Memory {
  /** One cache round trip for all; per request a context or the error that its reader gets. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
  /** What a turn continues: see ContextReader. */
  readTurn(ownerId: string, conversationId: string, maxTokens: number): Promise<TurnPath>

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

  /** All stored, in order, or (the same client ids with the same content) there already. */
  appendMessages(ownerId: string, conversationId: string, messages: readonly NewMessage[]): Promise<Appended>
  /** The context that ended with a message which is stored on the active path: what a model was given then. */
  readContextUpTo(newest: Message, request: Pick<WindowRequest, 'maxTokens' | 'anchor'>): Promise<Context>
  /** The same for drafts that need no check: a reply's question and its message. */
  appendDrafts(ownerId: string, conversationId: string, drafts: readonly MessageDraft[]): Promise<Appended>
  /** One message at exactly the place behind a turn, or not at all: see Appender. */
  appendBehind(turn: Turn, draft: MessageDraft, tokens: number): Promise<Placed>
  /** Along the active path of a conversation that was found for its owner, oldest first. */
  readMessages(conversation: Conversation, range: Omit<SequenceRange, 'conversationId' | 'branch'>): Promise<Message[]>
  findMessages(ownerId: string, ids: readonly string[]): Promise<(Message | undefined)[]>
  /** Metadata only; null removes it. */
  updateMessage(ownerId: string, id: string, metadata: Metadata | null): Promise<Message>

  /** Tells every subscriber of a conversation, in the background. */
  tell(conversationId: string, changes: readonly ConversationChange[]): void
  /** Rejects with NotFoundError before the first event when there is no such conversation for the owner. */
  subscribe(
    ownerId: string,
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ConversationEvent>>

  /** Finishes deletions that were committed; to be called about once a minute. */
  sweep(): Promise<void>
  /** Waits for the background work, at most `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

export interface MemoryParts {
  guard: CacheGuard
  history: History
  /** Deleting a conversation removes its replies too. */
  records: Pick<ReplyRecords, 'remove'>
  writer: Writer
  counter: TokenCounter
  events: ConversationEvents
  now: () => number
  onFill: PathReaderParts['onFill']
}

export interface MemoryLimits extends PathReaderLimits {
  maxContextTokens: number
  maxMessageBytes: number
}

const DEFAULT_ENCODING = 'o200k_base'

export function createMemory(parts: MemoryParts, limits: MemoryLimits): Memory {
  const { guard, history, writer, events, now } = parts
  const paths = createPathReader(parts, limits)
  const { readContexts, readTurn } = createContextReader(parts, paths)
  const { append, appendBehind } = createAppender({ ...parts, onStored: tellStored })
  const { deleteConversation, sweep } = createEraser(parts)

  /** After the acknowledgement, and beside the cache's writes, which may be slow. */
  function tell(conversationId: string, changes: readonly ConversationChange[]): void {
    writer.run(`${conversationId} events`, () => events.publish(conversationId, changes))
  }

  /** Bad requests are answered without asking for them; the others go on in one call. */
  async function readCheckedContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]> {
    const faults = requests.map((request) => contextFault(request, limits))
    const contexts = (await readContexts(requests.filter((_, index) => faults[index] === undefined))).values()
    return faults.map((fault) => fault ?? (contexts.next().value as Context | Error))
  }

  function tellStored(conversationId: string, stored: readonly Message[]): void {
    tell(
      conversationId,
      stored.map(({ id }) => ({ type: 'MessageAppended', messageId: id })),
    )
  }

  return {
    readContexts: readCheckedContexts,
    readTurn,
    appendDrafts: append,
    appendBehind,
    tell,

    async readContextUpTo(newest, request) {
      return contextOf(
        { ...request, conversationId: newest.conversationId, startOn: 'ANY' },
        await paths.readUpTo(newest, request.maxTokens),
      )
    },

    sweep,
    findConversations: history.findConversations,
    findConversationByExternalId: history.findConversationByExternalId,
    listConversations: history.listConversations,
    drain: writer.drain,

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

    readHead: (conversation) => readHead(history, conversation, headHint(conversation, conversation.activeBranch)),

    async appendMessages(ownerId, conversationId, messages) {
      checkNewMessages(messages, limits)
      const drafts = messages.map((message) => draftOf(message, now()))
      return append(ownerId, conversationId, drafts)
    },

    readMessages: (conversation, range) =>
      history.readSequenceRange({
        ...tightRange(range, headHint(conversation, conversation.activeBranch)),
        conversationId: conversation.id,
        branch: conversation.activeBranch,
      }),

    async findMessages(ownerId, ids) {
      const owners = [...new Set(ids.flatMap((id) => placeOf(id)?.conversationId ?? []))]
      const [messages, conversations] = await Promise.all([
        history.findMessages(ids),
        history.findConversations(ownerId, owners),
      ])
      const owned = new Set(conversations.map((conversation) => conversation?.id))
      return messages.map((message) => (message && owned.has(message.conversationId) ? message : undefined))
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

    async subscribe(ownerId, conversationId, after, signal) {
      await findConversation(history, ownerId, conversationId)
      return events.subscribe(conversationId, after, signal)
    },
  }
}

function contextFault(request: ContextRequest, limits: MemoryLimits): Error | undefined {
  try {
    checkContextRequest(request, limits)
    // No store is asked for what cannot be there.
    return isConversationId(request.conversationId)
      ? undefined
      : new NotFoundError('conversation', request.conversationId)
  } catch (error) {
    return error as Error
  }
}

type OpenRange = Omit<SequenceRange, 'conversationId' | 'branch'>

/**
 * The same stretch with both bounds near: sequences have no gaps, and the true head is at or above the
 * hint. Not every server stops at a limit.
 */
function tightRange(range: OpenRange, hint: Head): OpenRange {
  const { afterSequence, beforeSequence, limit, from } = range
  if (from === 'OLDEST') return { ...range, beforeSequence: Math.min(beforeSequence, afterSequence + limit + 1) }
  const newest = Math.min(beforeSequence - 1, hint.sequence)
  return { ...range, afterSequence: Math.max(afterSequence, newest - limit) }
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
    heads: {},
    createdAt,
    lastMessageAt: createdAt,
  }
}

function draftOf(message: NewMessage, now: number): MessageDraft {
  return { status: 'COMPLETE', createdAt: now, ...message }
}
