import { type Conversation, headHint } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Message, MessageDraft, Role } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import type { TokenCounter } from '../tokens/token-counter.ts'
import { commitFork, readForkTurn } from '../versions/forks.ts'
import { type AppendCourse, createAppendSteps, startCourse, type Turn } from './append-course.ts'
import { type HandOverParts, handOver } from './hand-over.ts'
import { findReplayedDrafts } from './replayed-drafts.ts'

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
  /** The role that the replaced message must have, else BadUserInputError; absent: any will do. */
  role?: Role
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

/** How an append behind a turn went: see Appender. */
export type Placed = { type: 'STORED' | 'REPLAYED'; message: Message } | { type: 'TAKEN' }

/** The appender of one node; what it owes the cache and others goes to the writer when it has answered. */
export function createAppender(parts: AppenderParts): Appender {
  const { guard, history, counter, now } = parts
  const { insert, takeReplayed, moveHead } = createAppendSteps(parts)

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

  /** Whether a batch is sent again: its mark would announce positions that nothing fills, and no read were a hit. */
  async function isRetry({ conversation, pending: [first, second] }: AppendCourse): Promise<boolean> {
    if (first === undefined || second === undefined) return false
    return (await findReplayedDrafts(history, conversation.id, [first.draft])).size > 0
  }

  /** What was read is too old to insert by. Its branch may be listed by now, or the first message be on another. */
  async function readAgain(course: AppendCourse, target: AppendTarget, first: MessageDraft | undefined): Promise<void> {
    const { ownerId, id } = course.conversation
    const turn = await readTurn(ownerId, id, { ...target, branch: course.branch }, first)
    delete course.fork
    Object.assign(course, turn)
  }

  /** False: the first message was stored meanwhile on another branch than the one that was to be made for it. */
  async function run(course: AppendCourse, target: AppendTarget): Promise<boolean> {
    const first = course.pending[0]?.draft
    if (await isRetry(course)) await takeReplayed(course)
    while (course.pending.length > 0 && isBegunHere(course, first)) {
      if (now() - course.readAt > DOCUMENT_LIFE_MS) await readAgain(course, target, first)
      const inserted = await insert(course)
      if (course.pending.length === 0) break
      const replayed = await takeReplayed(course)
      if (course.pending.length > 0) await moveHead(course, inserted + replayed === 0)
    }
    return isBegunHere(course, first)
  }

  async function finish(course: AppendCourse): Promise<void> {
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

/** Whether the branch that is to be made holds its first message, or nobody's: an empty one must never be listed. */
function isBegunHere({ fork, branch, messages }: AppendCourse, first: MessageDraft | undefined): boolean {
  const begun = first && messages.get(first)
  return fork === undefined || begun === undefined || begun.branch === branch
}

function placed(message: Message | undefined, inserted: number): Placed {
  return message ? { type: inserted > 0 ? 'STORED' : 'REPLAYED', message } : { type: 'TAKEN' }
}
