import { HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { CacheEntry, Register, Tail } from '../cache/cache.ts'
import { decodeTail, headOfTail } from '../cache/tail.ts'
import { type Conversation, headHint, ROOT_BRANCH } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { type Head, type Message, MIN_MESSAGE_TOKENS } from '../message.ts'
import type { Writer } from '../writer.ts'
import { endDeadSwitch } from './dead-switch.ts'
import { joinPath, type Path } from './path.ts'
import { readPathTokens } from './path-history.ts'
import { createTailFiller, type TailFillerDeps, type TailFillerLimits } from './tail-filler.ts'
import { lowestTokenStart } from './window.ts'

/** Where paths are read, and who fills the cache with them. */
export interface PathReaderDeps extends TailFillerDeps {
  history: History
  writer: Writer
}

/** Bounds of what a read puts into the cache. */
export type PathReaderLimits = TailFillerLimits

/** What a read of a path must serve. */
export interface PathNeed {
  ownerId: string
  conversationId: string
  maxTokens: number
  /** What the cache held; a base at best. Undefined when it could not be asked. */
  entry: CacheEntry | undefined
}

/** Reads paths down to a budget, from a cached tail where there is one. */
export interface PathReader {
  /** A hit, joined with what the budget wants from before the tail; undefined: history must say. */
  readHit(need: PathNeed, tail: Tail): Promise<Path | undefined>
  /** The path that ends on a branch, up to a head that is known, from history alone. */
  readUpTo(conversation: Conversation, branch: string, head: Head, maxTokens: number): Promise<Path>
  /** Protocol A1.3 and A1.4. `register` is what the cache held before this call; undefined: do not fill. */
  readHistory(need: PathNeed, register: Register | undefined): Promise<Path>
}

/** Joins cached rows and history into paths. */
export function createPathReader(parts: PathReaderDeps, limits: PathReaderLimits): PathReader {
  const { history, writer } = parts
  const filler = createTailFiller(parts, limits)

  async function readBasedPath(need: PathNeed, register: Register | undefined): Promise<Path | undefined> {
    const conversation = await findConversation(history, need.ownerId, need.conversationId)
    const hint = headHint(conversation, conversation.activeBranch)
    const base = baseTail(need, conversation, hint)
    const known = base !== undefined && base.last > hint.sequence ? headOfTail(base) : hint
    const lowest = lowestTokenStart(known, need.maxTokens)
    const cached = base === undefined ? [] : decodeTail(need.conversationId, base, lowest)
    if (cached === undefined) {
      filler.drop(need.conversationId)
      return undefined
    }
    const [newer, gap] = await Promise.all([
      readNewer(history, conversation, base === undefined ? lowest : headOfTail(base).tokens, need.maxTokens),
      base === undefined ? [] : readGap(history, need, base, lowest, conversation),
    ])
    const joined = joinPath({ base, cached, gap, newer }, known)
    if (joined === undefined) return undefined
    const path = { ...joined, conversation }
    // No message is either one that is larger than the budget, or an erasure under way.
    if (path.messages.length === 0 && known.sequence > 0)
      await findConversation(history, need.ownerId, need.conversationId)
    if (register !== undefined) {
      const knownFrom = lowestKnown(base, newer, lowest, need.maxTokens)
      filler.fill({ conversation, register, base, gap, newer, head: path.head, knownFrom })
    }
    if (register !== undefined) endDeadSwitch(parts, conversation, register)
    // Only by what history itself showed: the hint is durable and never falls, and appends go behind it.
    if (newer.length > 0 && path.head.sequence > hint.sequence) {
      writer.raiseHead(conversation.id, conversation.activeBranch, path.head, conversation.lastMessageAt)
    }
    return path
  }

  return {
    async readHit(need, tail) {
      const known = headOfTail(tail)
      const lowest = lowestTokenStart(known, need.maxTokens)
      const cached = decodeTail(need.conversationId, tail, lowest)
      const gap = cached === undefined || tail.knownFrom <= lowest ? [] : await readGap(history, need, tail, lowest)
      const path = cached && joinPath({ base: tail, cached, gap, newer: [] }, known)
      if (path === undefined) filler.drop(need.conversationId)
      else if (lowest < tail.knownFrom) filler.extend(need.conversationId, tail, gap, lowest)
      return path
    },

    async readUpTo(conversation, branch, head, maxTokens) {
      const range = { fromTokens: lowestTokenStart(head, maxTokens), belowTokens: head.tokens }
      const newer = await readPathTokens(history, conversation, branch, { ...range, limit: mostMessages(maxTokens) })
      const path = joinPath({ base: undefined, cached: [], gap: [], newer }, head)
      if (path !== undefined) return { ...path, conversation }
      throw await faultOf(conversation)
    },

    async readHistory(need, register) {
      const path =
        (await readBasedPath(need, register)) ?? (await readBasedPath({ ...need, entry: undefined }, register))
      if (path !== undefined) return path
      throw await faultOf({ ownerId: need.ownerId, id: need.conversationId })
    },
  }

  /** Of a path with a gap: an erasure is under way, or the store is broken. */
  async function faultOf({ ownerId, id }: Pick<Conversation, 'ownerId' | 'id'>): Promise<Error> {
    await findConversation(history, ownerId, id)
    return new HistoryUnavailableError(new Error(`The path of ${id} has a gap`))
  }
}

/** The owner's conversation, or NotFoundError. */
export async function findConversation(
  history: Pick<History, 'findConversations'>,
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
function readNewer(
  history: History,
  conversation: Conversation,
  fromTokens: number,
  maxTokens: number,
): Promise<Message[]> {
  const range = { fromTokens, limit: mostMessages(maxTokens) }
  return readPathTokens(history, conversation, conversation.activeBranch, range)
}

/** What the budget wants from before the tail, oldest first. Behind a fork the conversation says where it is. */
async function readGap(
  history: History,
  { ownerId, conversationId, maxTokens }: PathNeed,
  tail: Tail,
  lowest: number,
  known?: Conversation,
): Promise<Message[]> {
  if (tail.knownFrom <= lowest) return []
  const isRoot = tail.branch === ROOT_BRANCH
  const tree = isRoot
    ? { id: conversationId, branches: [] }
    : (known ?? (await findConversation(history, ownerId, conversationId)))
  const range = { fromTokens: lowest, belowTokens: tail.tokenStart, limit: mostMessages(maxTokens) }
  return readPathTokens(history, tree, tail.branch, range)
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
