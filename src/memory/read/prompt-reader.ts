import type { Consistency } from '../context.ts'
import { type Conversation, headHint } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Head } from '../message.ts'
import { type NewBranch, proposeBranch, readReplaced } from '../versions/new-branch.ts'
import type { ContextReader } from './context-reader.ts'
import { endsInHistory, type Path } from './path.ts'
import { findConversation, type PathReader } from './path-reader.ts'
import { readPathSequences } from './path-sequences.ts'
import { canBegin } from './window.ts'

/** Where a prompt ends, if not behind the active path as the cache knows it. */
export interface PromptStart {
  /** In the place of this message, on a new branch. */
  replaces?: string
  /** Behind the head of this branch. */
  branch?: string
  consistency?: Consistency
}

/** The path that a model is given, and behind which the next message goes. */
export interface PromptPath {
  /** As it was read; with a new branch as it is to be when that is listed. */
  conversation: Conversation
  branch: string
  /** The branch that is to be made for the message. */
  newBranch?: NewBranch
  path: Path
  /** Whether history showed the newest message, and not a cached tail alone. */
  isHeadStored: boolean
  /** Epoch milliseconds, before the conversation was read. */
  readAt: number
  /**
   * The tokens that are enough for the newest message, and for the calls that results answer. Absent where there is no
   * message, or too many results to look behind.
   */
  leastTokens?: number
}

type ReadPath = Omit<PromptPath, 'isHeadStored' | 'leastTokens'>

/** Reads the paths of prompts. */
export interface PromptReader {
  /**
   * In one round trip of both stores when the cache holds the active path, else in two. A hit may be old
   * after a loss in the cache: whoever appends behind it learns so from the position; whoever does not asks
   * for STRONG. Rejects with NotFoundError, and as History does.
   */
  readPrompt(ownerId: string, conversationId: string, maxTokens: number, start?: PromptStart): Promise<PromptPath>
}

/** What prompts are read with; `now` gives epoch milliseconds. */
export interface PromptReaderDeps {
  history: History
  paths: PathReader
  contexts: Pick<ContextReader, 'readActivePath'>
  now: () => number
}

/** Results of tools that are looked behind at once, and at most, for what they answer. */
const RESULTS_AT_ONCE = 16
const MOST_RESULTS = 256

/** A prompt reader on the paths of one node. */
export function createPromptReader({ history, paths, contexts, now }: PromptReaderDeps): PromptReader {
  async function readPrompt(
    ownerId: string,
    conversationId: string,
    maxTokens: number,
    start: PromptStart = {},
  ): Promise<PromptPath> {
    const found = await readPath(ownerId, conversationId, maxTokens, start)
    const leastTokens = await readLeastTokens(found)
    const isHeadStored = endsInHistory(found.path)
    return { ...found, isHeadStored, ...(leastTokens !== undefined && { leastTokens }) }
  }

  /** Without a read but where the budget, and the cached tail, are too small for it. */
  async function readLeastTokens({ conversation, branch, path }: ReadPath): Promise<number | undefined> {
    const { head } = path
    const held = path.messages.findLast(canBegin)
    if (held !== undefined) return head.tokens - held.tokenStart
    for (
      let before = head.sequence + 1;
      before > 1 && head.sequence - before < MOST_RESULTS;
      before -= RESULTS_AT_ONCE
    ) {
      const range = { afterSequence: before - 1 - RESULTS_AT_ONCE, beforeSequence: before, limit: RESULTS_AT_ONCE }
      const { messages } = await readPathSequences(history, conversation, branch, { ...range, from: 'NEWEST' })
      const begin = messages.findLast(canBegin)
      if (begin !== undefined) return head.tokens - begin.tokenStart
    }
    return undefined
  }

  async function readPath(
    ownerId: string,
    conversationId: string,
    maxTokens: number,
    { replaces, branch, consistency = 'EVENTUAL' }: PromptStart,
  ): Promise<ReadPath> {
    const readAt = now()
    if (replaces !== undefined) {
      const found = await readReplaced(history, ownerId, conversationId, replaces)
      const { conversation, newBranch } = proposeBranch(...found)
      const { id } = newBranch.branch
      const path = await paths.readUpTo(conversation, id, headHint(conversation, id), maxTokens)
      return { conversation, branch: id, newBranch, path, readAt }
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
  }

  return { readPrompt }
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
