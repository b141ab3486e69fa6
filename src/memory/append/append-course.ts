import { ClientMessageIdConflictError, HistoryUnavailableError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Message, MessageDraft } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import { readHead } from '../read/prompt-reader.ts'
import { isListed } from '../versions/branches.ts'
import type { ForkTurn } from '../versions/forks.ts'
import { type Counted, placeBehind } from './place-behind.ts'
import { findReplayedDrafts } from './replayed-drafts.ts'

/** What an append was built on; `readAt` is the epoch milliseconds before its conversation was read. */
export interface Turn extends ForkTurn {
  readAt: number
}

/** One append's way through the history: what is known of the path, the marks under way, and what is done. */
export interface AppendCourse extends Turn {
  /** The highest sequence that this call marked on the branch. */
  marked: number
  marks: Promise<void>[]
  pending: Counted[]
  messages: Map<MessageDraft, Message>
  stored: Message[]
  /** The branch that was active until this call switched from it. */
  leftBranch?: string
}

/** The steps of an append by protocol A2: each changes the course by what the history says. */
export interface AppendSteps {
  /** One ordered insert of what is pending behind the head, its mark beside it; returns how many were stored. */
  insert(course: AppendCourse): Promise<number>
  /** Takes from what is pending what is stored already, and marks it as acknowledged here (A2.3); returns how many. */
  takeReplayed(course: AppendCourse): Promise<number>
  /** Finds the head that a duplicate met; one that shows nothing new where it must is not to be trusted. */
  moveHead(course: AppendCourse, mustMove: boolean): Promise<void>
}

/** A course at its beginning. */
export function startCourse(turn: Turn, pending: Counted[]): AppendCourse {
  return { ...turn, marked: 0, marks: [], pending, messages: new Map(), stored: [] }
}

/** The steps on the stores of one node. */
export function createAppendSteps({
  guard,
  history,
}: {
  guard: Pick<CacheGuard, 'mark'>
  history: History
}): AppendSteps {
  /** With a fork the mark is that of the switch too: it may come early, never late (A3). */
  function mark(course: AppendCourse, sequence: number, branch: string = course.branch): void {
    const { id, branchEpoch: epoch } = course.conversation
    course.marks.push(guard.mark(id, { epoch, branch, sequence }))
  }

  /** What is stored elsewhere may be on a branch that was listed, or made active, since the conversation was read. */
  async function followReplayed(course: AppendCourse, messages: readonly Message[]): Promise<void> {
    if (messages.every(({ branch }) => branch === course.branch)) return
    const { ownerId, id } = course.conversation
    course.conversation = await findConversation(history, ownerId, id)
    checkListed(course.conversation, messages)
  }

  return {
    async insert(course) {
      const { conversation, branch, head } = course
      const messages = placeBehind(conversation.id, branch, head, course.pending)
      course.marked = head.sequence + messages.length
      mark(course, course.marked)
      const { inserted, duplicate } = await history.insertMessages(messages)
      if (inserted < messages.length && !duplicate) throw new HistoryUnavailableError(new Error('An insert stopped'))
      for (const message of messages.slice(0, inserted)) {
        const placed = course.pending.shift()
        if (placed) course.messages.set(placed.draft, message)
        course.stored.push(message)
        course.head = { sequence: message.sequence, tokens: message.tokenStart + message.tokens }
      }
      return inserted
    },

    async takeReplayed(course) {
      const drafts = course.pending.map(({ draft }) => draft)
      const replayed = await findReplayedDrafts(history, course.conversation.id, drafts)
      if (course.fork === undefined) await followReplayed(course, [...replayed.values()])
      // A mark is a high-water mark: the highest of a branch does for all.
      const highest = new Map([[course.branch, course.marked]])
      for (const { branch, sequence } of [...replayed.values()].sort((a, b) => b.sequence - a.sequence)) {
        if (sequence <= (highest.get(branch) ?? 0)) continue
        highest.set(branch, sequence)
        mark(course, sequence, branch)
      }
      for (const [draft, message] of replayed) course.messages.set(draft, message)
      course.pending = course.pending.filter(({ draft }) => !replayed.has(draft))
      return replayed.size
    },

    async moveHead(course, mustMove) {
      const head = await readHead(history, course.conversation, course.branch, course.head)
      if (mustMove && head.sequence === course.head.sequence) {
        throw new HistoryUnavailableError(new Error(`A duplicate in ${course.conversation.id} that is not there`))
      }
      course.head = head
    },
  }
}

/** The id of an edit that nobody sees yet is no other message's: only the same edit finishes it. */
function checkListed(conversation: Conversation, messages: readonly Message[]): void {
  const hidden = messages.find(({ branch }) => !isListed(conversation, branch))
  if (hidden) throw new ClientMessageIdConflictError(hidden.clientMessageId ?? '', hidden.id)
}
