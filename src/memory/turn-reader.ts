import { BadUserInputError, ClientMessageIdConflictError, NotFoundError } from '../errors.ts'
import { forkAt, isListed, MAX_BRANCHES, withFork } from './branches.ts'
import type { Consistency } from './context.ts'
import type { ContextReader } from './context-reader.ts'
import { type Branch, type Conversation, headHint } from './conversation.ts'
import type { History } from './history/history.ts'
import { createBranchId, placeOf } from './ids.ts'
import type { Head, Message, MessageDraft } from './message.ts'
import type { Path } from './path.ts'
import { findConversation, type PathReader } from './path-reader.ts'
import { findReplayedDrafts } from './replayed-drafts.ts'

/** Where a turn goes on, if not behind the active path as the cache knows it. */
export interface TurnStart {
  /** In the place of this message, on a new branch. */
  replaces?: string
  /** Behind the head of this branch. */
  branch?: string
  consistency?: Consistency
}

/** The path behind which a turn's next message goes. */
export interface TurnPath {
  /** As it was read; with a fork as it is to be when that is listed. */
  conversation: Conversation
  branch: string
  /** The branch that is to be made for the message. */
  fork?: Fork
  path: Path
  /** Epoch milliseconds, before the conversation was read. */
  readAt: number
}

/** A branch that is not made yet. */
export interface Fork {
  branch: Branch
  /** The message whose place its first one takes. */
  replaced: Message
  /** The branch that is active until then. */
  leftBranch: string
}

/** Reads what turns continue. */
export interface TurnReader {
  /**
   * In one round trip of both stores when the cache holds the active path. A hit may be old after a loss in
   * the cache: whoever appends behind it learns so from the position; whoever does not asks for STRONG.
   */
  readTurn(ownerId: string, conversationId: string, maxTokens: number, start?: TurnStart): Promise<TurnPath>
}

/** What turns are read with; `now` gives epoch milliseconds. */
export interface TurnReaderParts {
  history: History
  paths: PathReader
  contexts: Pick<ContextReader, 'readActivePath'>
  now: () => number
}

/** A turn reader on the paths of one node. */
export function createTurnReader({ history, paths, contexts, now }: TurnReaderParts): TurnReader {
  async function readFork(ownerId: string, conversationId: string, replaces: string) {
    const [conversation, replaced] = await readReplaced(history, ownerId, conversationId, replaces)
    return proposeFork(conversation, replaced)
  }

  return {
    async readTurn(ownerId, conversationId, maxTokens, { replaces, branch, consistency = 'EVENTUAL' } = {}) {
      const readAt = now()
      if (replaces !== undefined) {
        const { conversation, fork } = await readFork(ownerId, conversationId, replaces)
        const head = headHint(conversation, fork.branch.id)
        const path = await paths.readUpTo(conversation, fork.branch.id, head, maxTokens)
        return { conversation, branch: fork.branch.id, fork, path, readAt }
      }
      if (branch !== undefined) {
        const conversation = await findConversation(history, ownerId, conversationId)
        if (branch !== conversation.activeBranch) {
          const head = await readHead(history, conversation, branch)
          return { conversation, branch, path: await paths.readUpTo(conversation, branch, head, maxTokens), readAt }
        }
      }
      const { conversation, path } = await contexts.readActivePath(ownerId, conversationId, maxTokens, consistency)
      return { conversation, branch: conversation.activeBranch, path, readAt }
    },
  }
}

/** The conversation and the message to be replaced; NotFoundError unless it is on a path of it. */
export async function readReplaced(
  history: Pick<History, 'findConversations' | 'findMessages'>,
  ownerId: string,
  conversationId: string,
  replaces: string,
): Promise<[Conversation, Message]> {
  const isHere = placeOf(replaces)?.conversationId === conversationId
  const [conversation, [replaced]] = await Promise.all([
    findConversation(history, ownerId, conversationId),
    isHere ? history.findMessages([replaces]) : [],
  ])
  if (replaced === undefined || !isListed(conversation, replaced.branch)) throw new NotFoundError('message', replaces)
  return [conversation, replaced]
}

/** A branch in the place of a message, under an id of its own or the given one; there is a limit to their number. */
export function proposeFork(
  conversation: Conversation,
  replaced: Message,
  id: string = createBranchId(),
): { conversation: Conversation; fork: Fork } {
  const { length } = conversation.branches
  if (length >= MAX_BRANCHES) {
    throw new BadUserInputError('replaces', `in a conversation with less than ${MAX_BRANCHES} branches`, String(length))
  }
  const branch = forkAt(conversation, id, replaced)
  const { activeBranch: leftBranch } = conversation
  return { conversation: withFork(conversation, branch), fork: { branch, replaced, leftBranch } }
}

/**
 * What an append in the place of a message continues. One that was sent before, as far as its first message
 * at least, goes on with the branch that was made then, whether that is listed or not.
 */
export async function readForkTurn(
  history: Pick<History, 'findConversations' | 'findMessages' | 'findByIdempotencyKeys'>,
  ownerId: string,
  conversationId: string,
  { replaces, branch: given }: TurnStart & { replaces: string },
  first: MessageDraft | undefined,
): Promise<Pick<TurnPath, 'conversation' | 'branch' | 'fork'> & { head: Head }> {
  const [[conversation, replaced], replayed] = await Promise.all([
    readReplaced(history, ownerId, conversationId, replaces),
    first ? findReplayedDrafts(history, conversationId, [first]) : undefined,
  ])
  const stored = first && replayed?.get(first)
  if (stored && (stored.sequence !== replaced.sequence || stored.tokenStart !== replaced.tokenStart)) {
    throw new ClientMessageIdConflictError(stored.clientMessageId ?? '', stored.id)
  }
  const branch = stored?.branch ?? given ?? createBranchId()
  const head = { sequence: replaced.sequence - 1, tokens: replaced.tokenStart }
  if (isListed(conversation, branch)) return { conversation, branch, head }
  return { ...proposeFork(conversation, replaced, branch), branch, head }
}

/** The head of a branch's path: the newest message from its hint on. One query. */
export async function readHead(
  history: Pick<History, 'readTokenRange'>,
  conversation: Conversation,
  branch: string,
  known: Head = headHint(conversation, branch),
): Promise<Head> {
  const range = { conversationId: conversation.id, branch, fromTokens: known.tokens, limit: 1 }
  const [newest] = await history.readTokenRange(range)
  return newest === undefined ? known : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
}
