import { isDeepStrictEqual } from 'node:util'
import { ClientMessageIdConflictError, HistoryUnavailableError } from '../errors.ts'
import type { CacheGuard } from './cache-guard.ts'
import { type Conversation, headHint } from './conversation.ts'
import type { History } from './history.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { messageId } from './ids.ts'
import type { Head, Message, MessageDraft } from './message.ts'
import { findConversation } from './path-reader.ts'
import { encodeRow, joinRows } from './tail.ts'
import type { TokenCounter } from './token-counter.ts'
import type { Writer } from './writer.ts'

/** No insert is sent later than this after its conversation was read (A4), by a good margin. */
const DOCUMENT_LIFE_MS = 20_000

export interface AppenderParts {
  guard: CacheGuard
  history: History
  writer: Writer
  counter: TokenCounter
  now: () => number
}

export interface Appended {
  conversation: Conversation
  /** One for each draft, in order: stored now, or there already by its idempotency key. */
  messages: Message[]
  /** Those of them that are new. */
  stored: Message[]
}

export interface Appender {
  /** Appends by protocol A2: durable, and marked in the cache or the command timeout over, when it returns. */
  append(ownerId: string, conversationId: string, drafts: readonly MessageDraft[]): Promise<Appended>
  /**
   * One message at exactly the place behind a head, or not at all (protocol B2). TAKEN: something stands
   * there, so what was read up to that head is old. REPLAYED: it is stored already, wherever.
   */
  appendBehind(turn: Turn, draft: MessageDraft, tokens: number): Promise<Placed>
}

/** What a turn was built on: the conversation as read at a time, and the head of its path. */
export interface Turn {
  conversation: Conversation
  /** Epoch milliseconds. */
  readAt: number
  head: Head
}

export type Placed = { type: 'STORED' | 'REPLAYED'; message: Message } | { type: 'TAKEN' }

export interface Counted {
  draft: MessageDraft
  tokens: number
}

/** One call's way through the history: what is known of the path, and the marks under way. */
interface Course {
  conversation: Conversation
  readAt: number
  head: Head
  /** The highest sequence that this call marked on the branch. */
  marked: number
  marks: Promise<void>[]
}

export function createAppender(parts: AppenderParts): Appender {
  const { guard, history, counter, now } = parts

  async function readCourse(ownerId: string, conversationId: string): Promise<Course> {
    const readAt = now()
    const conversation = await findConversation(history, ownerId, conversationId)
    const head = headHint(conversation, conversation.activeBranch)
    return { conversation, readAt, head, marked: 0, marks: [] }
  }

  /** One ordered insert behind the head, its mark beside it; returns the prefix that was stored. */
  async function insert(course: Course, batch: readonly Counted[]): Promise<Message[]> {
    const messages = placeBehind(course.conversation, course.head, batch)
    const { branchEpoch: epoch, activeBranch: branch, id } = course.conversation
    course.marked = course.head.sequence + batch.length
    course.marks.push(guard.mark(id, { epoch, branch, sequence: course.marked }))
    const { inserted, duplicate } = await history.insertMessages(messages)
    if (inserted < messages.length && !duplicate) throw new HistoryUnavailableError(new Error('An insert stopped'))
    const stored = messages.slice(0, inserted)
    const newest = stored.at(-1)
    if (newest !== undefined) course.head = { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
    return stored
  }

  /** After a duplicate: those of the batch that are stored already, by idempotency key (A2.3). */
  async function findReplayed(course: Course, batch: readonly Counted[]): Promise<Map<string, Message>> {
    const keys = batch.flatMap(({ draft }) => idempotencyKey(draft) ?? [])
    const { id, branchEpoch: epoch, activeBranch } = course.conversation
    const found = keys.length > 0 ? await history.findByIdempotencyKeys(id, keys) : []
    for (const { branch, sequence } of found) {
      // Another node's append, whose own mark may be under way still: it is acknowledged here, so mark it.
      const isMarked = branch === activeBranch && sequence <= course.marked
      if (!isMarked) course.marks.push(guard.mark(id, { epoch, branch, sequence }))
    }
    return new Map(found.map((message) => [idempotencyKey(message) ?? '', message]))
  }

  /** What the duplicate met; a store that shows nothing new after a duplicate is not to be trusted. */
  async function readNewerHead(course: Course, mustMove: boolean): Promise<Head> {
    const head = await readHead(history, course.conversation, course.head)
    if (mustMove && head.sequence === course.head.sequence) {
      throw new HistoryUnavailableError(new Error(`A duplicate in ${course.conversation.id} that is not there`))
    }
    return head
  }

  return {
    async append(ownerId, conversationId, drafts) {
      let course = await readCourse(ownerId, conversationId)
      const counts = await counter.countMessages(course.conversation.encoding, drafts)
      let pending: Counted[] = drafts.map((draft, index) => ({ draft, tokens: counts[index] ?? Number.NaN }))
      const messages = new Map<MessageDraft, Message>()
      const stored: Message[] = []
      while (pending.length > 0) {
        if (now() - course.readAt > DOCUMENT_LIFE_MS) {
          const { marks } = course
          course = { ...(await readCourse(ownerId, conversationId)), marks }
        }
        const inserted = await insert(course, pending)
        for (const [index, message] of inserted.entries()) {
          const place = pending[index]
          if (place) messages.set(place.draft, message)
        }
        stored.push(...inserted)
        pending = pending.slice(inserted.length)
        if (pending.length === 0) break
        const replayed = await findReplayed(course, pending)
        const fresh = pending.filter(({ draft }) => !isReplay(messages, draft, replayed))
        const isStuck = fresh.length === pending.length && inserted.length === 0
        pending = fresh
        if (pending.length > 0) course.head = await readNewerHead(course, isStuck)
      }
      await Promise.all(course.marks)
      handOver(parts, course, stored)
      const { conversation } = course
      return { conversation, messages: drafts.flatMap((draft) => messages.get(draft) ?? []), stored }
    },

    async appendBehind(turn, draft, tokens) {
      if (now() - turn.readAt > DOCUMENT_LIFE_MS) return { type: 'TAKEN' }
      const course: Course = { ...turn, marked: 0, marks: [] }
      const stored = await insert(course, [{ draft, tokens }])
      const replayed = stored.length > 0 ? undefined : await findReplayed(course, [{ draft, tokens }])
      await Promise.all(course.marks)
      handOver(parts, course, stored)
      const found = new Map<MessageDraft, Message>()
      if (replayed) isReplay(found, draft, replayed)
      const [message = found.get(draft)] = stored
      return message ? { type: stored.length > 0 ? 'STORED' : 'REPLAYED', message } : { type: 'TAKEN' }
    },
  }
}

/** The head of the active path: the newest message from a head on that is known. One query. */
export async function readHead(history: History, { id, activeBranch }: Conversation, known: Head): Promise<Head> {
  const range = { conversationId: id, branch: activeBranch, fromTokens: known.tokens, limit: 1 }
  const [newest] = await history.readTokenRange(range)
  return newest === undefined ? known : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
}

/** The messages as they stand when each follows the one before, the first one the head. */
export function placeBehind(
  { id, activeBranch: branch }: Conversation,
  head: Head,
  batch: readonly Counted[],
): Message[] {
  let { sequence, tokens: tokenStart } = head
  return batch.map(({ draft, tokens }) => {
    sequence += 1
    const position = { branch, sequence, tokens, tokenStart }
    tokenStart += tokens
    return { ...draft, ...position, id: messageId(id, branch, sequence), conversationId: id }
  })
}

/**
 * Notes a draft that is stored already. The same client id with other content is a conflict; what a
 * reply says was fixed by its seal, so whatever is stored for it counts (B5).
 */
function isReplay(
  messages: Map<MessageDraft, Message>,
  draft: MessageDraft,
  replayed: ReadonlyMap<string, Message>,
): boolean {
  const stored = replayed.get(idempotencyKey(draft) ?? '')
  if (stored === undefined) return false
  const { clientMessageId } = draft
  const says = ({ role, parts, author }: MessageDraft) => ({ role, parts, author })
  const isSame = () => stored.status === 'REDACTED' || isDeepStrictEqual(says(stored), says(draft))
  if (clientMessageId !== undefined && !isSame()) throw new ClientMessageIdConflictError(clientMessageId, stored.id)
  messages.set(draft, stored)
  return true
}

/** What comes after the acknowledgement: the cached tail and the head's hint. */
function handOver({ writer, now }: AppenderParts, { conversation, head }: Course, stored: readonly Message[]): void {
  const { id, activeBranch, branchEpoch: epoch } = conversation
  for (const run of contiguousRuns(stored)) {
    const [begin] = run
    const end = run.at(-1)
    if (begin === undefined || end === undefined) continue
    const tokens = end.tokenStart + end.tokens - begin.tokenStart
    const rows = joinRows(run.map(encodeRow))
    writer.confirm(id, { epoch, branch: begin.branch, first: begin.sequence, last: end.sequence, tokens, rows })
  }
  if (stored.length > 0) writer.raiseHead(id, activeBranch, head, now())
}

/** The batch, cut where another writer's messages came between. */
function contiguousRuns(stored: readonly Message[]): Message[][] {
  const runs: Message[][] = []
  for (const message of stored) {
    const run = runs.at(-1)
    const previous = run?.at(-1)
    if (previous?.branch === message.branch && previous.sequence + 1 === message.sequence) run?.push(message)
    else runs.push([message])
  }
  return runs
}
