import { NotFoundError } from '../errors.ts'
import { type Appended, type AppendTarget, createAppender, type Placed, type Turn } from './appender.ts'
import { isListed } from './branches.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import type { Context, ContextRequest } from './context.ts'
import { contextOf, createContextReader } from './context-reader.ts'
import { type Conversation, headHint } from './conversation.ts'
import { type Conversations, createConversations } from './conversations.ts'
import { createEraser } from './eraser.ts'
import type { ConversationChange, ConversationEvent, ConversationEvents } from './events/conversation-events.ts'
import type { History, SequenceRange } from './history/history.ts'
import type { ReplyRecords } from './history/reply-record.ts'
import { isConversationId, placeOf } from './ids.ts'
import { checkContextRequest, checkMetadata, checkNewMessages, checkVersion } from './limits.ts'
import type { Head, Message, MessageDraft, Metadata, NewMessage } from './message.ts'
import { readPathSequences } from './path-history.ts'
import { createPathReader, findConversation, type PathReaderLimits, type PathReaderParts } from './path-reader.ts'
import { createRedactor } from './redactor.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import { createTurnReader, readHead, type TurnPath, type TurnStart } from './turn-reader.ts'
import { type SelectedVersion, selectVersion } from './version-selector.ts'
import type { WindowRequest } from './window.ts'
import type { Writer } from './writer.ts'

/**
 * What the server remembers: conversations, their messages and contexts. Every method takes the owner:
 * there is no way to ask without one, and a foreign id is answered as a missing one. Errors are those
 * of errors.ts.
 */
export interface Memory extends Conversations {
  /** One cache round trip for all; per request a context or the error that its reader gets. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
  /** What a turn continues: see TurnReader. */
  readTurn(ownerId: string, conversationId: string, maxTokens: number, start?: TurnStart): Promise<TurnPath>

  /** The true end of the active path: the hint and what is newer. */
  readHead(conversation: Conversation): Promise<Head>

  /**
   * All stored, in order, or (the same client ids with the same content) there already. With `replaces` the
   * first one is a new version of that message, of the same role, and the path through it becomes active.
   */
  appendMessages(
    ownerId: string,
    conversationId: string,
    messages: readonly NewMessage[],
    replaces?: string,
  ): Promise<Appended>
  /** The context that ends with a stored message: what a model was given then. */
  readContextUpTo(
    ownerId: string,
    newest: Message,
    request: Pick<WindowRequest, 'maxTokens' | 'anchor'>,
  ): Promise<Context>
  /** The same for drafts that need no check: a reply's question and its message. */
  appendDrafts(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target?: AppendTarget,
  ): Promise<Appended>
  /** One message at exactly the place behind a turn, or not at all: see Appender. */
  appendBehind(turn: Turn, draft: MessageDraft, tokens: number): Promise<Placed>
  /** Along the active path of a conversation that was found for its owner, oldest first. */
  readMessages(conversation: Conversation, range: Omit<SequenceRange, 'conversationId' | 'branch'>): Promise<Message[]>
  findMessages(ownerId: string, ids: readonly string[]): Promise<(Message | undefined)[]>
  /** Makes the path through a message active that was active last; does nothing where that is so. */
  selectVersion(ownerId: string, messageId: string): Promise<SelectedVersion>
  /** What it says is gone from every store when this returns; its place, its tokens and its tool calls' ids stay. */
  redactMessage(ownerId: string, id: string): Promise<Message>
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

  /** Finishes deletions and redactions that were committed; to be called about once a minute. */
  sweep(): Promise<void>
  /** Waits for the background work, at most `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

/** What a memory is made of; `now` gives epoch milliseconds. */
export interface MemoryParts {
  guard: CacheGuard
  history: History
  /** They hold what messages say once more: erasing reaches them too. */
  records: Pick<ReplyRecords, 'remove' | 'find' | 'findByClientMessageId' | 'redact'>
  writer: Writer
  counter: TokenCounter
  events: ConversationEvents
  now: () => number
  onFill: PathReaderParts['onFill']
}

/** The limits of a deployment, as the configuration has them. */
export interface MemoryLimits extends PathReaderLimits {
  maxContextTokens: number
  maxMessageBytes: number
}

/** The memory of one node. Input is checked here, before a store is asked. */
export function createMemory(parts: MemoryParts, limits: MemoryLimits): Memory {
  const { guard, history, writer, events, now } = parts
  const paths = createPathReader(parts, limits)
  const contexts = createContextReader(parts, paths)
  const { readTurn } = createTurnReader({ history, paths, contexts, now })
  const { append, appendBehind } = createAppender({ ...parts, tell })
  const eraser = createEraser(parts)
  const redactor = createRedactor(parts)

  /** After the acknowledgement, and beside the cache's writes, which may be slow. */
  function tell(conversationId: string, changes: readonly ConversationChange[]): void {
    writer.run(`${conversationId} events`, () => events.publish(conversationId, changes))
  }

  /** Bad requests are answered without asking for them; the others go on in one call. */
  async function readCheckedContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]> {
    const faults = requests.map((request) => contextFault(request, limits))
    const read = (await contexts.readContexts(requests.filter((_, index) => faults[index] === undefined))).values()
    return faults.map((fault) => fault ?? (read.next().value as Context | Error))
  }

  async function findMessages(ownerId: string, ids: readonly string[]): Promise<(Message | undefined)[]> {
    const owners = [...new Set(ids.flatMap((id) => placeOf(id)?.conversationId ?? []))]
    const [messages, conversations] = await Promise.all([
      history.findMessages(ids),
      history.findConversations(ownerId, owners),
    ])
    const trees = new Map(conversations.map((conversation) => [conversation?.id, conversation]))
    return messages.map((message) => {
      const tree = message && trees.get(message.conversationId)
      return tree && isListed(tree, message.branch) ? message : undefined
    })
  }

  return {
    ...createConversations({ guard, history, now, deleteConversation: eraser.deleteConversation, tell }),
    readContexts: readCheckedContexts,
    readTurn,
    appendDrafts: append,
    appendBehind,
    tell,

    async readContextUpTo(ownerId, newest, request) {
      const { conversationId, branch, sequence, tokenStart, tokens } = newest
      const conversation = await findConversation(history, ownerId, conversationId)
      const head = { sequence, tokens: tokenStart + tokens }
      const path = await paths.readUpTo(conversation, branch, head, request.maxTokens)
      return contextOf({ ...request, conversationId, startOn: 'ANY' }, path)
    },

    readHead: (conversation) => readHead(history, conversation, conversation.activeBranch),

    async appendMessages(ownerId, conversationId, messages, replaces) {
      checkNewMessages(messages, limits)
      const [replaced] = replaces === undefined ? [] : await findMessages(ownerId, [replaces])
      if (replaced) checkVersion('messages[0].role', messages[0], replaced)
      const drafts = messages.map((message) => draftOf(message, now()))
      return append(ownerId, conversationId, drafts, replaces === undefined ? {} : { replaces })
    },

    readMessages: (conversation, range) => {
      const { activeBranch } = conversation
      const tight = tightRange(range, headHint(conversation, activeBranch))
      return readPathSequences(history, conversation, activeBranch, tight)
    },

    findMessages,
    selectVersion: (ownerId, id) => selectVersion({ ...parts, tell }, ownerId, id),

    async redactMessage(ownerId, id) {
      const message = await redactor.redactMessage(ownerId, id)
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

    async subscribe(ownerId, conversationId, after, signal) {
      await findConversation(history, ownerId, conversationId)
      return events.subscribe(conversationId, after, signal)
    },

    async sweep() {
      await eraser.sweep()
      await redactor.sweep()
    },
    drain: writer.drain,
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

function draftOf(message: NewMessage, now: number): MessageDraft {
  return { status: 'COMPLETE', createdAt: now, ...message }
}
