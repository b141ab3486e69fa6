import pMap from 'p-map'
import { ConversationUnreadableError, NotFoundError } from '../../errors.ts'
import type { Register, Tail } from '../cache/cache.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import { decodeTail, headOfTail } from '../cache/tail.ts'
import { type Conversation, headHint, ROOT_BRANCH } from '../conversation.ts'
import type { History, TokenRange } from '../history/history.ts'
import { createLengthRoom } from '../history/stored-draft.ts'
import { messageId } from '../ids.ts'
import { type Head, type Message, MIN_MESSAGE_TOKENS } from '../message.ts'
import { pathSegments } from '../versions/branches.ts'
import type { Writer } from '../writer.ts'
import { endDeadSwitch } from './dead-switch.ts'
import { joinPath, type Path } from './path.ts'
import { createTailFiller, type TailFillerDeps, type TailFillerLimits } from './tail-filler.ts'
import { baseTail, isForeign, type PathNeed } from './usable-tail.ts'
import { lowestTokenStart } from './window.ts'

/** Where paths are read, and who fills the cache with them. */
export interface PathReaderDeps extends TailFillerDeps {
  guard: Pick<CacheGuard, 'open' | 'drop'>
  history: History
  writer: Writer
}

/** Bounds of what a read puts into the cache. */
export type PathReaderLimits = TailFillerLimits

/** Reads paths down to a budget, from a cached tail where there is one. Rejects as History does, and with NotFoundError. */
export interface PathReader {
  /** A hit, joined with what the budget wants from before the tail; undefined: history must say. */
  readHit(need: PathNeed, tail: Tail, conversation?: Conversation): Promise<Path | undefined>
  /** The path that ends on a branch, up to a head that is known, from history alone. */
  readUpTo(conversation: Conversation, branch: string, head: Head, maxTokens: number): Promise<Path>
  /** The active path by protocol A1.2 to A1.4: the conversation's document and, beside it, a register; then the range. */
  readHistory(need: PathNeed): Promise<Path>
  /** The same for a document that was read beside the entry. */
  readActive(need: PathNeed, conversation: Conversation): Promise<Path>
}

/** Of a path through many branches: a share of a driver's connections, and others' reads come between. */
const SEGMENTS_AT_ONCE = 32

/** How the cache is filled with what a read of history finds. */
interface FillTerms {
  /** As it was before the range is read; undefined: no fill. */
  register: Register | undefined
  /** The document may be older than the register. */
  needsSecondLook: boolean
}

/** Joins cached rows and history into paths. */
export function createPathReader(deps: PathReaderDeps, limits: PathReaderLimits): PathReader {
  const { guard, history, writer } = deps
  const filler = createTailFiller(deps, limits)

  async function readHit(need: PathNeed, tail: Tail, conversation?: Conversation): Promise<Path | undefined> {
    const known = headOfTail(tail)
    const lowest = lowestTokenStart(known, need.maxTokens)
    const cached = decodeTail(need.conversationId, tail, lowest)
    const gap = cached === undefined ? [] : await readGap(history, need, tail, lowest, conversation)
    const path = cached && joinPath({ base: tail, cached, gap, newer: [] }, known, lowest)
    if (path === undefined) filler.drop(need.conversationId)
    else if (lowest < tail.knownFrom) filler.extend(need.conversationId, tail, gap, lowest)
    return path
  }

  async function readUpTo(conversation: Conversation, branch: string, head: Head, maxTokens: number): Promise<Path> {
    const lowest = lowestTokenStart(head, maxTokens)
    const range = { fromTokens: lowest, belowTokens: head.tokens, limit: mostMessages(maxTokens) }
    const newer = await readPathTokens(history, conversation, branch, range)
    const path = joinPath({ base: undefined, cached: [], gap: [], newer }, head, lowest)
    if (path === undefined || !(await endsAtHead(path, conversation, branch))) throw await faultOf(conversation)
    return { ...path, conversation }
  }

  async function readHistory(need: PathNeed): Promise<Path> {
    const { ownerId, conversationId, isStrong, entry } = need
    const isOpened = entry !== undefined && entry.register === undefined
    const [register, conversation] = await Promise.all([
      isOpened ? guard.open(conversationId) : entry?.register,
      findConversation(history, ownerId, conversationId, { isStrong }),
    ])
    return readJoined(need, conversation, { register, needsSecondLook: isOpened })
  }

  async function readActive(need: PathNeed, conversation: Conversation): Promise<Path> {
    return readJoined(need, conversation, { register: need.entry?.register, needsSecondLook: true })
  }

  async function readJoined(need: PathNeed, conversation: Conversation, terms: FillTerms): Promise<Path> {
    const path = await readBased(need, conversation, terms)
    if (path !== undefined) return path
    // What does not join is junk in the cache, or an erasure that is under way.
    const { ownerId, conversationId, isStrong } = need
    const current = await findConversation(history, ownerId, conversationId, { isStrong })
    const whole = await readBased({ ...need, entry: undefined }, current, terms)
    if (whole !== undefined) return whole
    throw await faultOf(current)
  }

  /** Undefined when what was read does not join. */
  async function readBased(need: PathNeed, conversation: Conversation, terms: FillTerms): Promise<Path | undefined> {
    const hint = headHint(conversation, conversation.activeBranch)
    if (isForeign(need.entry?.tail, conversation)) filler.drop(conversation.id)
    const base = baseTail(need, terms.register, conversation, hint)
    const known = base !== undefined && base.last > hint.sequence ? headOfTail(base) : hint
    const lowest = lowestTokenStart(known, need.maxTokens)
    const cached = base === undefined ? [] : decodeTail(need.conversationId, base, lowest)
    if (cached === undefined) {
      filler.drop(need.conversationId)
      return undefined
    }
    const [newer, gap] = await Promise.all([
      readNewer(history, conversation, base === undefined ? lowest : headOfTail(base).tokens, need),
      base === undefined ? [] : readGap(history, need, base, lowest, conversation),
    ])
    const oldestWanted = base === undefined ? lowestRead(newer, lowest, need.maxTokens) : lowest
    const joined = joinPath({ base, cached, gap, newer }, known, oldestWanted)
    if (joined === undefined || !(await endsAtHead(joined, conversation, conversation.activeBranch))) return undefined
    const path = { ...joined, conversation }
    const { register, needsSecondLook } = terms
    if (register !== undefined) {
      const knownFrom = Math.min(base?.knownFrom ?? oldestWanted, oldestWanted)
      filler.fill({ conversation, register, needsSecondLook, base, gap, newer, head: path.head, knownFrom })
      endDeadSwitch(deps, conversation, register)
    }
    // Only by what history itself showed: the hint is durable and never falls, and appends go behind it.
    if (newer.length > 0 && path.head.sequence > hint.sequence) {
      writer.raiseHead(conversation.id, conversation.activeBranch, path.head, conversation.lastMessageAt)
    }
    return path
  }

  /** No message is either one that is larger than the budget, or a head that is not there: the newest message says. */
  async function endsAtHead({ messages, head }: Path, conversation: Conversation, branch: string): Promise<boolean> {
    const { sequence, tokens } = head
    if (messages.length > 0 || sequence === 0) return true
    const segment = pathSegments(conversation, branch).find(({ fromSequence }) => fromSequence <= sequence)
    const id = messageId(conversation.id, segment?.branch ?? branch, sequence)
    const [newest] = await history.findMessages([id])
    return newest !== undefined && newest.tokenStart + newest.tokens === tokens
  }

  /**
   * Of a path with a gap: an erasure is under way, else what is stored is not what was written, as messages are
   * durable before any hint or branch names them.
   */
  async function faultOf({ ownerId, id }: Conversation): Promise<Error> {
    await findConversation(history, ownerId, id, { isStrong: true })
    return new ConversationUnreadableError(id, 'its path has a gap')
  }

  return { readHit, readUpTo, readHistory, readActive }
}

/** The owner's conversation, or NotFoundError; see History for `isStrong`. */
export async function findConversation(
  history: Pick<History, 'findConversations'>,
  ownerId: string,
  conversationId: string,
  options: { isStrong?: boolean } = {},
): Promise<Conversation> {
  const [conversation] = await history.findConversations(ownerId, [conversationId], options)
  if (conversation === undefined) throw new NotFoundError('conversation', conversationId)
  return conversation
}

/** Messages from a token position up to the newest, oldest first; the work is bounded even where the hint lags. */
function readNewer(
  history: History,
  conversation: Conversation,
  fromTokens: number,
  { maxTokens, maxLength }: Pick<PathNeed, 'maxTokens' | 'maxLength'>,
): Promise<Message[]> {
  const range = { fromTokens, limit: mostMessages(maxTokens), ...roomOf(maxLength) }
  return readPathTokens(history, conversation, conversation.activeBranch, range)
}

/** What the budget wants from before the tail, oldest first. Behind a fork the conversation says where it is. */
async function readGap(
  history: History,
  { ownerId, conversationId, maxTokens, maxLength }: PathNeed,
  tail: Tail,
  lowest: number,
  known?: Conversation,
): Promise<Message[]> {
  if (tail.knownFrom <= lowest) return []
  const isRoot = tail.branch === ROOT_BRANCH
  const tree = isRoot
    ? { id: conversationId, branches: [] }
    : (known ?? (await findConversation(history, ownerId, conversationId)))
  const bounds = { fromTokens: lowest, belowTokens: tail.tokenStart }
  const range = { ...bounds, limit: mostMessages(maxTokens), ...roomOf(maxLength) }
  return readPathTokens(history, tree, tail.branch, range)
}

/** Tokens bound texts, and not what stands beside them: metadata, or spaces of which a token has eighty. */
function roomOf(maxLength: number | undefined): Pick<TokenRange, 'room'> {
  return maxLength === undefined ? {} : { room: createLengthRoom(maxLength) }
}

/** From where on all messages were read. Where the hint lags, a read may meet its limit, and leave out older ones. */
function lowestRead(newer: readonly Message[], lowest: number, maxTokens: number): number {
  const [oldest] = newer
  return oldest !== undefined && newer.length === mostMessages(maxTokens) ? oldest.tokenStart : lowest
}

/** More messages than this are never within the budget. */
function mostMessages(maxTokens: number): number {
  return Math.ceil(maxTokens / MIN_MESSAGE_TOKENS) + 1
}

/**
 * Messages of the path that ends on a branch, by their token positions, oldest first; the newest `limit`.
 * One range of the history for each segment of the path, many at once.
 */
export async function readPathTokens(
  history: Pick<History, 'readTokenRange'>,
  conversation: Pick<Conversation, 'id' | 'branches'>,
  endBranch: string,
  {
    fromTokens,
    belowTokens: below = Number.POSITIVE_INFINITY,
    limit,
    room,
  }: Omit<TokenRange, 'conversationId' | 'branch'>,
): Promise<Message[]> {
  const ranges = pathSegments(conversation, endBranch)
    .map((segment) => ({
      branch: segment.branch,
      fromTokens: Math.max(fromTokens, segment.fromTokens),
      belowTokens: Math.min(below, segment.belowTokens),
    }))
    .filter((range) => range.fromTokens < range.belowTokens)
  function read({ belowTokens, ...range }: (typeof ranges)[number]): Promise<Message[]> {
    const end = Number.isFinite(belowTokens) && { belowTokens }
    return history.readTokenRange({ conversationId: conversation.id, ...range, ...end, limit, ...(room && { room }) })
  }
  const newestFirst = (await pMap(ranges, read, { concurrency: SEGMENTS_AT_ONCE })).flat()
  return newestFirst.slice(0, limit).reverse()
}
