import { HistoryUnavailableError, NotFoundError } from '../errors.ts'
import type { CacheEntry, Register, Tail } from './cache.ts'
import type { CacheGuard } from './cache-guard.ts'
import { type Conversation, headHint } from './conversation.ts'
import type { History } from './history.ts'
import { type Head, type Message, MIN_MESSAGE_TOKENS } from './message.ts'
import { decodeTail, extendTail, headOfTail } from './tail.ts'
import { lowestTokenStart } from './window.ts'
import type { Writer } from './writer.ts'

export interface PathReaderParts {
  guard: CacheGuard
  history: History
  writer: Writer
  now: () => number
  /** Tells of a read that fills the cache, with the messages that it loaded from history. */
  onFill: (conversationId: string, messageCount: number, tokenCount: number) => void
}

export interface PathReaderLimits {
  tailTokens: number
  ttlSeconds: number
}

/** What a read of a path must serve. */
export interface PathNeed {
  ownerId: string
  conversationId: string
  maxTokens: number
  /** What the cache held; a base at best. Undefined when it could not be asked. */
  entry: CacheEntry | undefined
}

/** The newest messages of the active path down to a budget, oldest first, without a gap up to the head. */
export interface Path {
  /** As history has it now; undefined when the cache alone answered. */
  conversation: Conversation | undefined
  head: Head
  messages: Message[]
  /** Sequences below this came from history, and so did those from `historyFrom` on; the rest from the cache. */
  cachedFrom: number
  historyFrom: number
}

export interface PathReader {
  /** A hit, joined with what the budget wants from before the tail; undefined: history must say. */
  readHit(need: PathNeed, tail: Tail): Promise<Path | undefined>
  /** The path as it ended with a stored message, from history alone. One query. */
  readUpTo(newest: Message, maxTokens: number): Promise<Path>
  /** Protocol A1.3 and A1.4. `register` is what the cache held before this call; undefined: do not fill. */
  readHistory(need: PathNeed, register: Register | undefined): Promise<Path>
}

/** Joins cached rows and history into paths. */
export function createPathReader(parts: PathReaderParts, limits: PathReaderLimits): PathReader {
  const { guard, history, writer } = parts

  async function readBasedPath(need: PathNeed, register: Register | undefined): Promise<Path | undefined> {
    const conversation = await findConversation(history, need.ownerId, need.conversationId)
    const hint = headHint(conversation, conversation.activeBranch)
    const base = baseTail(need, conversation, hint)
    const known = base !== undefined && base.last > hint.sequence ? headOfTail(base) : hint
    const lowest = lowestTokenStart(known, need.maxTokens)
    const [newer, gap] = await Promise.all([
      readNewer(history, conversation, base === undefined ? lowest : headOfTail(base).tokens, need.maxTokens),
      base === undefined ? [] : readGap(history, need, base, lowest),
    ])
    const joined = joinPath(need.conversationId, base, gap, newer, known, lowest)
    if (joined === undefined) return undefined
    const path = { ...joined, conversation }
    // No message is either one that is larger than the budget, or an erasure under way.
    if (path.messages.length === 0 && known.sequence > 0)
      await findConversation(history, need.ownerId, need.conversationId)
    if (register !== undefined) {
      const knownFrom = lowestKnown(base, newer, lowest, need.maxTokens)
      fill(parts, limits, { conversation, register, base, gap, newer, path, knownFrom })
    }
    if (path.head.sequence > hint.sequence) {
      writer.raiseHead(conversation.id, conversation.activeBranch, path.head, conversation.lastMessageAt)
    }
    return path
  }

  return {
    async readHit(need, tail) {
      const { conversationId } = need
      const lowest = lowestTokenStart(headOfTail(tail), need.maxTokens)
      const gap = await readGap(history, need, tail, lowest)
      const path = joinPath(conversationId, tail, gap, [], headOfTail(tail), lowest)
      if (path === undefined) {
        // Junk rows, which a fill would respect, or an erasure: in both cases the tail has to go.
        writer.run(conversationId, async () => void (await guard.drop(conversationId)))
      } else if (lowest < tail.knownFrom) {
        const extended = extendTail(tail, gap, [], lowest, limits.tailTokens)
        if (extended.knownFrom < tail.knownFrom) handFill(parts, conversationId, extended, limits.ttlSeconds, gap)
      }
      return path
    },

    async readUpTo({ conversationId, branch, sequence, tokenStart, tokens }, maxTokens) {
      const head = { sequence, tokens: tokenStart + tokens }
      const fromTokens = lowestTokenStart(head, maxTokens)
      const range = { conversationId, branch, fromTokens, belowTokens: head.tokens, limit: mostMessages(maxTokens) }
      const messages = (await history.readTokenRange(range)).reverse()
      return { conversation: undefined, head, messages, cachedFrom: sequence + 1, historyFrom: sequence + 1 }
    },

    async readHistory(need, register) {
      const path =
        (await readBasedPath(need, register)) ?? (await readBasedPath({ ...need, entry: undefined }, register))
      if (path !== undefined) return path
      // The document is there and messages are not: an erasure is under way, or the store is broken.
      await findConversation(history, need.ownerId, need.conversationId)
      throw new HistoryUnavailableError(new Error(`The path of ${need.conversationId} has a gap`))
    },
  }
}

/** The owner's conversation, or NotFoundError. */
export async function findConversation(
  history: History,
  ownerId: string,
  conversationId: string,
): Promise<Conversation> {
  const [conversation] = await history.findConversations(ownerId, [conversationId])
  if (conversation === undefined) throw new NotFoundError('conversation', conversationId)
  return conversation
}

/** The cached tail, where history need only add to it: of this branch, not orphaned, and within the budget's reach. */
function baseTail({ ownerId, maxTokens, entry }: PathNeed, conversation: Conversation, hint: Head): Tail | undefined {
  const { register, tail } = entry ?? {}
  if (register === undefined || tail === undefined || tail.ownerId !== ownerId) return undefined
  if (tail.generation !== register.generation || tail.branch !== conversation.activeBranch) return undefined
  return headOfTail(tail).tokens >= lowestTokenStart(hint, maxTokens) ? tail : undefined
}

/** Messages from a token position up to the newest, oldest first; the work is bounded even where the hint lags. */
async function readNewer(
  history: History,
  { id, activeBranch }: Conversation,
  fromTokens: number,
  maxTokens: number,
): Promise<Message[]> {
  const limit = mostMessages(maxTokens)
  return (await history.readTokenRange({ conversationId: id, branch: activeBranch, fromTokens, limit })).reverse()
}

/** What the budget wants from before the tail, oldest first. */
async function readGap(
  history: History,
  { conversationId, maxTokens }: PathNeed,
  tail: Tail,
  lowest: number,
): Promise<Message[]> {
  if (tail.knownFrom <= lowest) return []
  const range = { conversationId, branch: tail.branch, fromTokens: lowest, belowTokens: tail.tokenStart }
  return (await history.readTokenRange({ ...range, limit: mostMessages(maxTokens) })).reverse()
}

/** From where on all messages are in the tail or were read; a read that met its limit left older ones out. */
function lowestKnown(base: Tail | undefined, newer: readonly Message[], lowest: number, maxTokens: number): number {
  if (base !== undefined) return Math.min(base.knownFrom, lowest)
  const [oldest] = newer
  return oldest !== undefined && newer.length === mostMessages(maxTokens) ? oldest.tokenStart : lowest
}

/** More messages than this are never within the budget. */
function mostMessages(maxTokens: number): number {
  return Math.ceil(maxTokens / MIN_MESSAGE_TOKENS) + 1
}

/** The three stretches as one path; undefined when they do not join, or lack the head that is known. */
function joinPath(
  conversationId: string,
  base: Tail | undefined,
  gap: readonly Message[],
  newer: readonly Message[],
  known: Head,
  lowest: number,
): Path | undefined {
  const cached = base === undefined ? [] : decodeTail(conversationId, base, lowest)
  if (cached === undefined) return undefined
  const messages = [...gap, ...cached, ...newer]
  const newest = newer.at(-1)
  const head = newest === undefined ? known : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
  const joins =
    isContiguous(messages) &&
    (base === undefined || gap.length === 0 || gap.at(-1)?.sequence === base.first - 1) &&
    (base === undefined || newer.length === 0 || newer[0]?.sequence === base.last + 1) &&
    (messages.at(-1)?.sequence ?? head.sequence) === head.sequence &&
    head.sequence >= known.sequence
  const cachedFrom = base?.first ?? head.sequence + 1
  return joins
    ? { conversation: undefined, head, messages, cachedFrom, historyFrom: (base?.last ?? head.sequence) + 1 }
    : undefined
}

function isContiguous(messages: readonly Message[]): boolean {
  return messages.every((message, index) => {
    const previous = messages[index - 1]
    if (previous === undefined) return true
    return message.sequence === previous.sequence + 1 && message.tokenStart === previous.tokenStart + previous.tokens
  })
}

interface Filling {
  conversation: Conversation
  register: Register
  base: Tail | undefined
  gap: readonly Message[]
  newer: readonly Message[]
  path: Path
  knownFrom: number
}

/** Hands the tail that this read can write to the writer, if it says more than the cached one. */
function fill(
  parts: PathReaderParts,
  { tailTokens, ttlSeconds }: PathReaderLimits,
  { conversation, register, base, gap, newer, path, knownFrom }: Filling,
): void {
  const { id, ownerId, encoding, activeBranch, branchEpoch, expiresAt } = conversation
  const generation = register.generation
  const begin = newer[0] ?? { sequence: path.head.sequence + 1, tokenStart: path.head.tokens }
  const empty = { first: begin.sequence, last: begin.sequence - 1, tokenStart: begin.tokenStart, tokens: 0, rows: '' }
  const start = base ?? { ...empty, branch: activeBranch, knownFrom, ownerId, encoding }
  const tail = extendTail({ ...start, generation, epoch: branchEpoch }, gap, newer, knownFrom, tailTokens)
  if (base !== undefined && !saysMore(tail, base)) return
  const lifeSeconds = expiresAt === undefined ? ttlSeconds : Math.ceil((expiresAt - parts.now()) / 1000)
  handFill(parts, id, tail, Math.max(1, Math.min(ttlSeconds, lifeSeconds)), [...gap, ...newer])
}

function saysMore(tail: Tail, base: Tail): boolean {
  return tail.last > base.last || tail.knownFrom < base.knownFrom || tail.epoch > base.epoch
}

function handFill(
  { writer, onFill }: PathReaderParts,
  conversationId: string,
  tail: Tail,
  ttlSeconds: number,
  loaded: readonly Message[],
): void {
  writer.fill(conversationId, tail, ttlSeconds)
  if (loaded.length === 0) return
  const tokenCount = loaded.reduce((sum, { tokens }) => sum + tokens, 0)
  onFill(conversationId, loaded.length, tokenCount)
}
