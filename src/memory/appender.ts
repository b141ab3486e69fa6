import { ClientMessageIdConflictError, HistoryUnavailableError } from '../errors.ts'
import { isListed } from './branches.ts'
import { type Conversation, headHint } from './conversation.ts'
import { commitFork, readForkTurn } from './forks.ts'
import { type HandOverParts, handOver } from './hand-over.ts'
import type { History } from './history/history.ts'
import type { Head, Message, MessageDraft } from './message.ts'
import { findConversation } from './path-reader.ts'
import { type Counted, placeBehind } from './place-behind.ts'
import { findReplayedDrafts } from './replayed-drafts.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import { readHead, type TurnPath } from './turn-reader.ts'

/** No insert is sent later than this after its conversation was read (A4), by a good margin. */
const DOCUMENT_LIFE_MS = 20_000

/** What an appender is made of; `now` gives epoch milliseconds. */
export interface AppenderParts extends HandOverParts {
  history: History
  counter: TokenCounter
}

/** Where drafts go when it is not behind the head of the active path. */
export interface AppendTarget {
  /** The first draft takes the place of this message, on a branch that becomes active. */
  replaces?: string
  /** Behind the head of this branch; with `replaces`: the id for the branch that is made. */
  branch?: string
}

/** What an append answers. */
export interface Appended {
  conversation: Conversation
  /** One for each draft, in order: stored now, or there already by its idempotency key. */
  messages: Message[]
  /** Those of them that are new. */
  stored: Message[]
}

/** Puts messages behind the head of a path. */
export interface Appender {
  /** Appends by protocol A2: durable, and marked in the cache or the command timeout over, when it returns. */
  append(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target?: AppendTarget,
  ): Promise<Appended>
  /**
   * One message at exactly the place behind a turn's path, or not at all (protocol B2). TAKEN: something
   * stands there, so what was read up to that head is old. REPLAYED: it is stored already, wherever.
   */
  appendBehind(turn: Turn, draft: MessageDraft, tokens: number): Promise<Placed>
}

/** What a turn was built on: the conversation as read at a time, and the head of the path behind which it goes. */
export interface Turn extends Pick<TurnPath, 'conversation' | 'branch' | 'fork' | 'readAt'> {
  head: Head
}

/** How an append behind a turn went: see Appender. */
export type Placed = { type: 'STORED' | 'REPLAYED'; message: Message } | { type: 'TAKEN' }

/** One call's way through the history: what is known of the path, the marks under way, and what is done. */
interface Course extends Turn {
  /** The highest sequence that this call marked on the branch. */
  marked: number
  marks: Promise<void>[]
  pending: Counted[]
  messages: Map<MessageDraft, Message>
  stored: Message[]
  /** The branch that was active until this call switched from it. */
  leftBranch?: string
}

/** The appender of one node; what it owes the cache and others goes to the writer when it has answered. */
export function createAppender(parts: AppenderParts): Appender {
  const { guard, history, counter, now } = parts

  async function readTurn(
    ownerId: string,
    conversationId: string,
    target: AppendTarget,
    first: MessageDraft | undefined,
  ): Promise<Turn> {
    const readAt = now()
    const { replaces } = target
    if (replaces !== undefined) {
      return { ...(await readForkTurn(history, ownerId, conversationId, { ...target, replaces }, first)), readAt }
    }
    const conversation = await findConversation(history, ownerId, conversationId)
    const branch = target.branch ?? conversation.activeBranch
    return { conversation, branch, readAt, head: headHint(conversation, branch) }
  }

  /** One ordered insert of what is pending behind the head, its mark beside it; returns how many were stored. */
  async function insert(course: Course): Promise<number> {
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
  }

  /** With a fork the mark is that of the switch too: it may come early, never late (A3). */
  function mark(course: Course, sequence: number, branch: string = course.branch): void {
    const { id, branchEpoch: epoch } = course.conversation
    course.marks.push(guard.mark(id, { epoch, branch, sequence }))
  }

  /** Takes from what is pending what is stored already; it is acknowledged here, so its mark must be there (A2.3). */
  async function takeReplayed(course: Course): Promise<number> {
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
  }

  /** What is stored elsewhere may be on a branch that was listed, or made active, since the conversation was read. */
  async function followReplayed(course: Course, messages: readonly Message[]): Promise<void> {
    if (messages.every(({ branch }) => branch === course.branch)) return
    const { ownerId, id } = course.conversation
    course.conversation = await findConversation(history, ownerId, id)
    checkListed(course.conversation, messages)
  }

  /** What the duplicate met; a store that shows nothing new after a duplicate is not to be trusted. */
  async function readNewerHead(course: Course, mustMove: boolean): Promise<Head> {
    const head = await readHead(history, course.conversation, course.branch, course.head)
    if (mustMove && head.sequence === course.head.sequence) {
      throw new HistoryUnavailableError(new Error(`A duplicate in ${course.conversation.id} that is not there`))
    }
    return head
  }

  /** Whether a batch is sent again: its mark would announce positions that nothing fills, and no read were a hit. */
  async function isRetry({ conversation, fork, pending: [first, second] }: Course): Promise<boolean> {
    // What a fork's first message met by now may be its twin on another branch: the insert tells.
    if (fork || first === undefined || second === undefined) return false
    return (await findReplayedDrafts(history, conversation.id, [first.draft])).size > 0
  }

  /** False: the first message was stored meanwhile on another branch than the one that was to be made for it. */
  async function run(course: Course, target: AppendTarget): Promise<boolean> {
    const first = course.pending[0]?.draft
    if (await isRetry(course)) await takeReplayed(course)
    while (course.pending.length > 0) {
      const { ownerId, id } = course.conversation
      if (now() - course.readAt > DOCUMENT_LIFE_MS)
        Object.assign(course, await readTurn(ownerId, id, { ...target, branch: course.branch }, first))
      const inserted = await insert(course)
      if (course.pending.length === 0) break
      const replayed = await takeReplayed(course)
      const begun = first && course.messages.get(first)
      if (course.fork && begun && begun.branch !== course.branch) return false
      if (course.pending.length > 0) course.head = await readNewerHead(course, inserted + replayed === 0)
    }
    return true
  }

  async function finish(course: Course): Promise<void> {
    const { conversation, fork, branch, head } = course
    if (fork) {
      const { id } = conversation
      const onMark = (epoch: number) => course.marks.push(guard.mark(id, { epoch, branch, sequence: 0 }))
      Object.assign(course, await commitFork(history, { conversation, fork }, head, onMark))
      delete course.fork
    }
    await Promise.all(course.marks)
  }

  async function append(
    ownerId: string,
    conversationId: string,
    drafts: readonly MessageDraft[],
    target: AppendTarget = {},
  ): Promise<Appended> {
    const turn = await readTurn(ownerId, conversationId, target, drafts[0])
    const counts = await counter.countMessages(turn.conversation.encoding, drafts)
    const counted = drafts.map((draft, index) => ({ draft, tokens: counts[index] ?? Number.NaN }))
    const course = startCourse(turn, counted)
    try {
      if (!(await run(course, target))) return await append(ownerId, conversationId, drafts, target)
      await finish(course)
    } finally {
      handOver(parts, course)
    }
    const { conversation, messages, stored } = course
    return { conversation, messages: drafts.flatMap((draft) => messages.get(draft) ?? []), stored }
  }

  return {
    append,

    async appendBehind(turn, draft, tokens) {
      if (now() - turn.readAt > DOCUMENT_LIFE_MS) return { type: 'TAKEN' }
      const course = startCourse(turn, [{ draft, tokens }])
      const inserted = await insert(course)
      if (inserted === 0 && course.fork) {
        const { ownerId, id } = course.conversation
        const { messages } = await append(ownerId, id, [draft], { replaces: course.fork.replaced.id })
        return placed(messages[0], inserted)
      }
      if (inserted === 0) await takeReplayed(course)
      await finish(course)
      handOver(parts, course)
      return placed(course.messages.get(draft), inserted)
    },
  }
}

/** The id of an edit that nobody sees yet is no other message's: only the same edit finishes it. */
function checkListed(conversation: Conversation, messages: readonly Message[]): void {
  const hidden = messages.find(({ branch }) => !isListed(conversation, branch))
  if (hidden) throw new ClientMessageIdConflictError(hidden.clientMessageId ?? '', hidden.id)
}

function startCourse(turn: Turn, pending: Counted[]): Course {
  return { ...turn, marked: 0, marks: [], pending, messages: new Map(), stored: [] }
}

function placed(message: Message | undefined, inserted: number): Placed {
  return message ? { type: inserted > 0 ? 'STORED' : 'REPLAYED', message } : { type: 'TAKEN' }
}
