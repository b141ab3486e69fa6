import { ConversationUnreadableError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import { type Conversation, headHint } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { checkVersion } from '../input/limits.ts'
import type { Message, MessageDraft, Role } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import type { TokenCounter } from '../tokens/token-counter.ts'
import { isListed } from '../versions/branches.ts'
import { type AppendPoint, branchPoint, commitBranch, readReplaced, standsAt } from '../versions/new-branch.ts'
import { type AfterAppendDeps, afterAppend } from './after-append.ts'
import type { KnownHeads } from './known-heads.ts'
import { type AppendProgress, createAppendSteps, isTooOld, startAppend } from './optimistic-append.ts'
import { findByKeys, matchDrafts } from './replayed-drafts.ts'
import { findSettledDrafts } from './settled-drafts.ts'
import { findStoredHead, readStoredHead } from './stored-head.ts'

/** What an appender is made of; `now` returns epoch milliseconds. */
export interface AppenderDeps extends AfterAppendDeps {
  guard: Pick<CacheGuard, 'mark' | 'drop'>
  heads: KnownHeads
  history: History
  counter: TokenCounter
}

/** Where drafts go when it is not behind the head of the active path. */
export interface AppendTarget {
  /** The first draft takes the place of this message, on a branch that becomes active. */
  replaces?: string
  /** The role that the replaced message must have, else BadUserInputError. Absent: every role will do. */
  role?: Role
  /** Behind the head of this branch; with `replaces`: the id for the branch that is made. */
  branch?: string
  /** When they came to the conversation, in epoch milliseconds: what its `lastMessageAt` is raised to. Absent: now. */
  arrivedAt?: number
  /** By draft what it costs, where its content no longer says it: a redacted message keeps its place. */
  tokens?: readonly (number | undefined)[]
  /** Where the call comes from, for its turn to be counted. */
  source?: string
}

/** What an append returns. */
export interface Appended {
  /** With the new head and `lastMessageAt`, as every later read shows it. */
  conversation: Conversation
  /** One for each draft, in order: stored now, or there already by its idempotency key. */
  messages: Message[]
  /** Those of them that are new. */
  stored: Message[]
}

/** Puts messages behind the head of a path. */
export interface Appender {
  /**
   * Appends by protocol A2: when it returns, all is durable, and marked in the cache or the command timeout is
   * over. Rejects with NotFoundError, ClientMessageIdConflictError, BadUserInputError (`replaces`, `role`) or
   * HistoryUnavailableError; messages before the one that failed may be stored then, and the same call again
   * completes them by their client ids.
   */
  append(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target?: AppendTarget,
  ): Promise<Appended>
  /**
   * One message at exactly the position behind a prompt's path, or not at all (protocol B2). TAKEN: another
   * message stands there, or the head is not what history has, so what was read up to it is old. REPLAYED: it is stored already, wherever.
   * Rejects as `append` does.
   */
  appendBehind(point: AppendPoint, draft: MessageDraft, tokens: number): Promise<Placed>
}

/** The outcome of Appender.appendBehind. */
export type Placed = { type: 'STORED' | 'REPLAYED'; message: Message } | { type: 'TAKEN' }

/** The appender of one node. The cached tail, the hint and the events are written in the background. */
export function createAppender(deps: AppenderDeps): Appender {
  const { guard, history, counter, heads, now } = deps
  const { insert, skipReplayed, advanceHead } = createAppendSteps(deps)

  /**
   * Where the drafts go, and whether they were sent before: then a mark for all of them would announce positions
   * that nothing fills, and reads would miss. One round trip. The first draft's id says it, since a batch is stored
   * in order; a single one is simply inserted.
   */
  async function readPoint(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target: AppendTarget,
  ): Promise<{ point: AppendPoint; isRetry: boolean }> {
    const { replaces, role, branch: wanted } = target
    const readAt = now()
    const first = drafts.length > 1 || replaces !== undefined ? drafts.slice(0, 1) : []
    const [[conversation, replaced], found] = await Promise.all([
      replaces === undefined
        ? findConversation(history, ownerId, conversationId).then((only) => [only] as const)
        : readReplaced(history, ownerId, conversationId, replaces),
      findByKeys(history, conversationId, first),
    ])
    if (role && replaced) checkVersion('messages[0].role', role, replaced.role)
    const [stored] = matchDrafts(first, found).values()
    const isRetry = stored !== undefined && drafts.length > 1
    if (replaced) {
      if (stored && !isListed(conversation, stored.branch) && !standsAt(stored, replaced)) {
        await findSettledDrafts(history, conversation, first, () => false)
        return readPoint(ownerId, conversationId, drafts, target)
      }
      return { point: { ...branchPoint(conversation, replaced, stored, wanted), readAt }, isRetry }
    }
    const branch = wanted ?? conversation.activeBranch
    if (!isListed(conversation, branch))
      throw new ConversationUnreadableError(conversationId, 'its branch is not listed')
    return { point: { conversation, branch, readAt, head: headHint(conversation, branch) }, isRetry }
  }

  /** The document is too old to insert by. The branch may be listed by now, or the first message be elsewhere. */
  async function readPointAgain(
    progress: AppendProgress,
    target: AppendTarget,
    first: MessageDraft | undefined,
  ): Promise<void> {
    const { conversation, branch, head } = progress
    const drafts = first === undefined ? [] : [first]
    // With a branch that is wanted, it may be given up and must be looked at before it is listed.
    const { point } = await readPoint(conversation.ownerId, conversation.id, drafts, { ...target, branch })
    delete progress.newBranch
    const isFurther = point.branch === branch && head.sequence > point.head.sequence
    Object.assign(progress, isFurther ? { ...point, head } : await provePoint(point))
  }

  /**
   * The point behind a message that is there: one that this node stored itself, or has looked up. Where it did neither,
   * an append is one round trip longer, but never puts a message behind a gap.
   */
  async function provePoint(point: AppendPoint): Promise<AppendPoint> {
    const { conversation, branch, head, isHeadStored } = point
    if (isHeadStored || heads.isStored(conversation.id, branch, head)) return point
    return { ...point, head: await readStoredHead(history, point), isHeadStored: true }
  }

  /** Whether history has the head exactly as the path has it that was read. */
  async function isBehindStored(point: AppendPoint): Promise<boolean> {
    const { conversation, branch, head, isHeadStored } = point
    if (isHeadStored || heads.isStored(conversation.id, branch, head)) return true
    const stored = await findStoredHead(history, point)
    return stored?.tokens === head.tokens
  }

  /** False: the first message was stored meanwhile on another branch than the one that was to be made for it. */
  async function insertAll(progress: AppendProgress, target: AppendTarget, isRetry: boolean): Promise<boolean> {
    const first = progress.pending[0]?.draft
    if (isRetry) await skipReplayed(progress)
    while (progress.pending.length > 0 && isBegunHere(progress, first)) {
      if (isTooOld(progress, now())) await readPointAgain(progress, target, first)
      const { inserted, duplicate } = await insert(progress)
      if (progress.pending.length === 0) break
      if (!duplicate) continue
      const isExplained = await skipReplayed(progress)
      if (progress.pending.length > 0) await advanceHead(progress, inserted === 0 && !isExplained)
    }
    return isBegunHere(progress, first)
  }

  /** Lists the new branch, if there is one, and waits for the marks. */
  async function commit(progress: AppendProgress): Promise<void> {
    const { conversation, newBranch, branch, head, messages, stored } = progress
    if (newBranch) {
      const { id } = conversation
      const onMark = (epoch: number) => progress.marks.push(guard.mark(id, { epoch, branch, sequence: 0 }))
      const sequences = [...messages.values()].map((message) => (message.branch === branch ? message.sequence : 0))
      const isOwn = newBranch.isShared === undefined && stored.length === messages.size
      const last = Math.max(newBranch.branch.atSequence, ...sequences)
      const commitment = { conversation, newBranch, head, last, isOwn }
      Object.assign(progress, await commitBranch(history, commitment, { onMark, now }))
      delete progress.newBranch
    }
    await Promise.all(progress.marks)
  }

  async function append(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target: AppendTarget = {},
  ): Promise<Appended> {
    const { point, isRetry } = await readPoint(ownerId, conversationId, drafts, target)
    const { encoding } = point.conversation
    const [proven, counts] = await Promise.all([
      provePoint(point),
      counter.countMessages(encoding, drafts, { ownerId, source: target.source ?? '' }),
    ])
    const counted = drafts.map((draft, index) => ({
      draft,
      tokens: target.tokens?.[index] ?? counts[index] ?? Number.NaN,
    }))
    const progress = startAppend(proven, counted)
    try {
      if (!(await insertAll(progress, target, isRetry))) return await append(ownerId, conversationId, drafts, target)
      await commit(progress)
    } finally {
      afterAppend(deps, progress, target.arrivedAt)
    }
    const { conversation, messages, stored } = progress
    const inOrder = drafts.flatMap((draft) => messages.get(draft) ?? [])
    return { conversation: heads.apply(conversation), messages: inOrder, stored }
  }

  async function appendBehind(point: AppendPoint, draft: MessageDraft, tokens: number): Promise<Placed> {
    if (isTooOld(point, now())) return { type: 'TAKEN' }
    if (!(await isBehindStored(point))) {
      // Only a cached tail can say otherwise than history.
      await guard.drop(point.conversation.id)
      return { type: 'TAKEN' }
    }
    const progress = startAppend(point, [{ draft, tokens }])
    const { inserted } = await insert(progress)
    if (inserted === 0 && progress.newBranch) {
      const { ownerId, id } = progress.conversation
      const { messages } = await append(ownerId, id, [draft], { replaces: progress.newBranch.replaced.id })
      return outcomeOf(messages[0], inserted)
    }
    if (inserted === 0) await skipReplayed(progress)
    await commit(progress)
    afterAppend(deps, progress)
    return outcomeOf(progress.messages.get(draft), inserted)
  }

  return { append, appendBehind }
}

/** Whether the branch that is to be made holds its first message, or nobody's: an empty one must never be listed. */
function isBegunHere({ newBranch, branch, messages }: AppendProgress, first: MessageDraft | undefined): boolean {
  const begun = first && messages.get(first)
  return newBranch === undefined || begun === undefined || begun.branch === branch
}

function outcomeOf(message: Message | undefined, inserted: number): Placed {
  return message ? { type: inserted > 0 ? 'STORED' : 'REPLAYED', message } : { type: 'TAKEN' }
}
