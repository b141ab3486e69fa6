import { NotFoundError } from '../errors.ts'
import { type Appended, type AppendTarget, createAppender, type Placed } from './append/appender.ts'
import { createKnownHeads } from './append/known-heads.ts'
import type { CacheGuard } from './cache/cache-guard.ts'
import type { Context, ContextRequest } from './context.ts'
import { type Conversation, headHint } from './conversation.ts'
import { type Conversations, createConversations } from './conversations.ts'
import { sweepUnlistedBranches } from './erase/branch-sweep.ts'
import { createEraser } from './erase/eraser.ts'
import { createRedactor } from './erase/redactor.ts'
import type {
  ConversationChange,
  ConversationEvent,
  ConversationEvents,
  FollowedConversation,
} from './events/conversation-events.ts'
import type { HeadHint, History } from './history/history.ts'
import type { ReplyRecords } from './history/reply-record.ts'
import { isConversationId, messageId } from './ids.ts'
import { bytesOfParts } from './input/check-part.ts'
import { checkContextRequest, checkNewMessages } from './input/limits.ts'
import type { Head, Message, MessageDraft, NewMessage } from './message.ts'
import { createMessages, type Messages } from './messages.ts'
import { contextOf } from './prompt.ts'
import { createContextReader } from './read/context-reader.ts'
import { createPathReader, findConversation, type PathReaderDeps, type PathReaderLimits } from './read/path-reader.ts'
import { createPromptReader, type PromptPath, type PromptStart, readHead } from './read/prompt-reader.ts'
import type { WindowRequest } from './read/window.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import type { AppendPoint } from './versions/new-branch.ts'
import type { Writer } from './writer.ts'

/**
 * What the server stores: conversations, their messages and contexts. Every method takes the owner:
 * there is no way to ask without one, and a foreign id is answered as a missing one. Errors are those
 * of errors.ts.
 */
export interface Memory extends Conversations, Messages {
  /** One cache round trip for all; per request a context or the error that its reader gets. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
  /** What a prompt continues: see PromptReader. */
  readPrompt(ownerId: string, conversationId: string, maxTokens: number, start?: PromptStart): Promise<PromptPath>

  /** The true end of the active path: the hint and what is newer. */
  readHead(conversation: Conversation): Promise<Head>
  /** The same for many, in the order asked. One round trip, and one more where a hint is behind. */
  readHeads(conversations: readonly Conversation[]): Promise<Head[]>

  /**
   * All stored, in order, or (the same client ids with the same content) there already. With `replaces` the
   * first one is a new version of that message, of the same role, and the path through it becomes active. `source` is
   * where the call comes from, for instance its connection; RateLimitedError where too much waits already.
   */
  appendMessages(
    ownerId: string,
    conversationId: string,
    messages: readonly NewMessage[],
    replaces?: string,
    source?: string,
  ): Promise<Appended>
  /** Makes room for a question before it is begun: see TokenCounter. */
  admit: TokenCounter['admit']
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
  /** One message at exactly the position behind a prompt, or not at all: see Appender. */
  appendBehind(point: AppendPoint, draft: MessageDraft, tokens: number): Promise<Placed>
  /** Publishes events of a conversation to its subscribers, in the background. */
  publish(conversationId: string, changes: readonly ConversationChange[]): void
  /**
   * For each conversation where its events go on from now: what is read of it afterwards and what comes behind
   * the cursor are all there is, without a gap. Never rejects.
   */
  readCursors(conversations: readonly Conversation[]): Promise<string[]>
  /** Rejects with NotFoundError before the first event when there is no such conversation for the owner. */
  subscribe(
    ownerId: string,
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ConversationEvent>>

  /**
   * Finishes deletions and redactions that were committed, deletes what is past its end, and removes what edits left;
   * to be called about once a minute.
   */
  sweep(): Promise<void>
  /** Waits for the background work, at most `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

/** What a memory is made of; `now` returns epoch milliseconds. */
export interface MemoryDeps {
  guard: CacheGuard
  history: History
  /** They hold the content of messages too, so erasing reaches them. */
  records: Pick<ReplyRecords, 'findIds' | 'remove' | 'findByClientMessageId' | 'redact'>
  /** Whether a reply's text is gone from what carries it between nodes. */
  eraseReplyText(replyId: string): Promise<boolean>
  writer: Writer
  counter: TokenCounter
  events: ConversationEvents
  now: () => number
  onFill: PathReaderDeps['onFill']
}

/** The limits of a deployment, as the configuration has them. */
export interface MemoryLimits extends PathReaderLimits {
  maxContextTokens: number
  maxMessageBytes: number
}

/** Of a context, in characters for each byte of the largest message: as much as an answer has. */
const LENGTH_PER_MESSAGE = 16

/** The memory of one node. Input is checked here, before a query. */
export function createMemory(deps: MemoryDeps, limits: MemoryLimits): Memory {
  const { guard, history, writer, counter, events, now } = deps
  const heads = createKnownHeads(now)
  const paths = createPathReader(deps, limits)
  const contexts = createContextReader(deps, paths, LENGTH_PER_MESSAGE * limits.maxMessageBytes)
  const { readPrompt } = createPromptReader({ history, paths, contexts, now })
  const { append, appendBehind } = createAppender({ ...deps, heads, publish, tailTokens: limits.tailTokens })
  const eraser = createEraser({ ...deps, publish })
  const redactor = createRedactor(deps)

  /** After the acknowledgement, and beside the cache's writes, which may be slow. */
  function publish(conversationId: string, changes: readonly ConversationChange[]): void {
    void events.publish(conversationId, changes)
  }

  /** Bad requests cost no round trip; the others are read in one call. */
  async function readCheckedContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]> {
    const faults = requests.map((request) => contextFault(request, limits))
    const read = (await contexts.readContexts(requests.filter((_, index) => faults[index] === undefined))).values()
    return faults.map((fault) => fault ?? (read.next().value as Context | Error))
  }

  async function readContextUpTo(
    ownerId: string,
    newest: Message,
    request: Pick<WindowRequest, 'maxTokens' | 'anchor'>,
  ): Promise<Context> {
    const { conversationId, branch, sequence, tokenStart, tokens } = newest
    const conversation = await findConversation(history, ownerId, conversationId)
    const head = { sequence, tokens: tokenStart + tokens }
    const path = await paths.readUpTo(conversation, branch, head, request.maxTokens)
    return contextOf({ ...request, conversationId, startOn: 'ANY' }, path)
  }

  async function appendMessages(
    ownerId: string,
    conversationId: string,
    messages: readonly NewMessage[],
    replaces?: string,
    source = '',
  ): Promise<Appended> {
    checkNewMessages(messages, limits)
    const bytes = messages.reduce((sum, { parts }) => sum + bytesOfParts(parts), 0)
    const release = counter.admit(bytes, { ownerId, source })
    const drafts = messages.map((message) => draftOf(message, now()))
    const { role = 'USER' } = messages[0] ?? {}
    try {
      return await append(ownerId, conversationId, drafts, {
        source,
        ...(replaces !== undefined && { replaces, role }),
      })
    } finally {
      release()
    }
  }

  async function subscribe(
    ownerId: string,
    conversationId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ConversationEvent>> {
    const conversation = followed({ ownerId, id: conversationId })
    // Before the events begin: what is stored from here on is published to this subscriber, or found missing.
    const newestId = await conversation.readNewestId()
    return events.subscribe({ ...conversation, newestId }, after, signal)
  }

  function readCursors(conversations: readonly Conversation[]): Promise<string[]> {
    return events.readCursors(conversations.map(followed))
  }

  /** Holds ids only, as long as somebody follows. */
  function followed({ id, ownerId }: Pick<Conversation, 'id' | 'ownerId'>): FollowedConversation {
    return {
      id,
      async readNewestId() {
        const conversation = await findConversation(history, ownerId, id)
        const { sequence } = await readHead(history, conversation, conversation.activeBranch)
        return messageId(id, conversation.activeBranch, sequence)
      },
    }
  }

  async function sweep(): Promise<void> {
    await eraser.sweep()
    await redactor.sweep()
    await sweepUnlistedBranches(history, now())
  }

  return {
    ...createConversations({ guard, history, heads, now, deleteConversation: eraser.deleteConversation, publish }),
    ...createMessages({ guard, history, writer, now, redact: redactor.redactMessage, publish }),
    readContexts: readCheckedContexts,
    readPrompt,
    appendDrafts: append,
    appendBehind,
    admit: counter.admit,
    publish,
    readContextUpTo,
    readHead: (conversation) => readHead(history, conversation, conversation.activeBranch),
    readHeads: (conversations) => history.readHeads(conversations.map(activeHint)),
    appendMessages,
    readCursors,
    subscribe,
    sweep,
    drain: writer.drain,
  }
}

function contextFault(request: ContextRequest, limits: MemoryLimits): Error | undefined {
  try {
    checkContextRequest(request, limits)
    // What is no id needs no query.
    return isConversationId(request.conversationId)
      ? undefined
      : new NotFoundError('conversation', request.conversationId)
  } catch (error) {
    return error as Error
  }
}

function draftOf(message: NewMessage, now: number): MessageDraft {
  return { status: 'COMPLETE', createdAt: now, ...message }
}

function activeHint(conversation: Conversation): HeadHint {
  const { id, activeBranch } = conversation
  return { conversationId: id, branch: activeBranch, hint: headHint(conversation, activeBranch) }
}
