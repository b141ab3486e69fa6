import { HistoryUnavailableError } from '../../errors.ts'
import { MAX_POSITION } from '../cache/cache.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { History, InsertOutcome } from '../history/history.ts'
import type { Head, Message, MessageDraft } from '../message.ts'
import { readHead } from '../read/prompt-reader.ts'
import type { AppendPoint } from '../versions/new-branch.ts'
import { type CountedDraft, positionAfter } from './position-after.ts'
import { findSettledDrafts } from './settled-drafts.ts'

/** No insert is sent later than this after its conversation was read (A4 wants 30 s at most). */
const DOCUMENT_LIFE_MS = 20_000

/** The state of one append: the head as far as it is known, the marks under way, and what is stored. */
export interface AppendProgress extends AppendPoint {
  /** The highest sequence that this call marked on the branch. */
  marked: number
  marks: Promise<void>[]
  pending: CountedDraft[]
  messages: Map<MessageDraft, Message>
  stored: Message[]
  /** The branch that was active until this call switched from it. */
  leftBranch?: string
}

/** The steps of an append by protocol A2. Each changes the progress by what the history answers. */
export interface AppendSteps {
  /**
   * One ordered insert of what is pending behind the head, its mark beside it. It stops at a duplicate, and where
   * the document has become too old to insert by; rejects with HistoryUnavailableError where it stops otherwise.
   */
  insert(progress: AppendProgress): Promise<InsertOutcome>
  /**
   * Removes from what is pending what is stored already, and marks it, since it is acknowledged here (A2.3).
   * Returns whether that explains a duplicate: some are stored, or the id of one was in use and is free now. Rejects
   * with ClientMessageIdConflictError where an id is stored with other content; the messages before it may be stored
   * then.
   */
  skipReplayed(progress: AppendProgress): Promise<boolean>
  /** Reads the head that a duplicate met. Rejects with HistoryUnavailableError where it must be newer and is not. */
  advanceHead(progress: AppendProgress, mustAdvance: boolean): Promise<void>
}

/** The progress of an append of which nothing is stored. */
export function startAppend(point: AppendPoint, pending: CountedDraft[]): AppendProgress {
  return { ...point, marked: 0, marks: [], pending, messages: new Map(), stored: [] }
}

/**
 * Whether a conversation was read so long ago that a deletion's second pass may not wait for an insert by it (A4). So it
 * may have been where the clock went back meanwhile.
 */
export function isTooOld({ readAt }: Pick<AppendPoint, 'readAt'>, now: number): boolean {
  return now < readAt || now - readAt > DOCUMENT_LIFE_MS
}

/** The steps on the stores of one node; `now` returns epoch milliseconds. */
export function createAppendSteps({
  guard,
  history,
  now,
}: {
  guard: Pick<CacheGuard, 'mark'>
  history: History
  now: () => number
}): AppendSteps {
  /** For a new branch the mark is that of the switch too: it may come early, never late (A3). */
  function mark(progress: AppendProgress, sequence: number, branch: string = progress.branch): void {
    const { id, branchEpoch: epoch } = progress.conversation
    progress.marks.push(guard.mark(id, { epoch, branch, sequence }))
  }

  async function insert(progress: AppendProgress): Promise<InsertOutcome> {
    const { conversation, branch, head } = progress
    const messages = positionAfter(conversation.id, branch, head, progress.pending)
    progress.marked = head.sequence + messages.length
    mark(progress, progress.marked)
    const mayGoOn = () => !isTooOld(progress, now())
    const unlisted = progress.newBranch && { unlistedSince: now() }
    const outcome = await history.insertMessages(messages, { mayGoOn, ...unlisted })
    const { inserted, duplicate } = outcome
    if (inserted < messages.length && !duplicate && mayGoOn()) {
      throw new HistoryUnavailableError(new Error('An insert stopped'))
    }
    for (const message of messages.slice(0, inserted)) {
      const placed = progress.pending.shift()
      if (placed) progress.messages.set(placed.draft, message)
      progress.stored.push(message)
      progress.head = { sequence: message.sequence, tokens: message.tokenStart + message.tokens }
    }
    return outcome
  }

  async function skipReplayed(progress: AppendProgress): Promise<boolean> {
    const { branch: own, newBranch, messages, conversation } = progress
    const drafts = progress.pending.map(({ draft }) => draft)
    // Where the first message of a new branch is on another one, the caller begins again, on that one.
    const beginning = newBranch && messages.size === 0 ? drafts[0] : undefined
    const isOwn = ({ branch }: Message, draft: MessageDraft) => branch === own || draft === beginning
    const { replayed, isFreed, conversation: current } = await findSettledDrafts(history, conversation, drafts, isOwn)
    // A replayed message may be on a branch that was listed, or made active, since the conversation was read.
    if (current && newBranch === undefined) progress.conversation = current
    // A mark is a high-water mark: the highest of a branch does for all.
    const highest = new Map([[progress.branch, progress.marked]])
    for (const { branch, sequence } of [...replayed.values()].sort((a, b) => b.sequence - a.sequence)) {
      if (sequence <= (highest.get(branch) ?? 0)) continue
      highest.set(branch, sequence)
      mark(progress, sequence, branch)
    }
    for (const [draft, message] of replayed) progress.messages.set(draft, message)
    progress.pending = progress.pending.filter(({ draft }) => !replayed.has(draft))
    return replayed.size > 0 || isFreed
  }

  async function advanceHead(progress: AppendProgress, mustAdvance: boolean): Promise<void> {
    const { conversation, branch, head: known } = progress
    const head = await readHead(history, conversation, branch, known)
    const isStuck = mustAdvance && head.sequence === known.sequence
    progress.head = isStuck ? await readHeadBySequence(progress) : head
  }

  /** Where a hint's tokens are beyond its message's, what is behind it is found by its sequence alone. */
  async function readHeadBySequence({ conversation: { id }, branch, head }: AppendProgress): Promise<Head> {
    const above = { afterSequence: head.sequence, beforeSequence: MAX_POSITION }
    const range = { conversationId: id, branch, ...above, limit: 1, from: 'NEWEST' as const }
    const {
      messages: [newest],
    } = await history.readSequenceRange(range)
    if (newest === undefined) throw new HistoryUnavailableError(new Error(`A duplicate in ${id} that is not there`))
    return { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
  }

  return { insert, skipReplayed, advanceHead }
}
