import { randomBytes } from 'node:crypto'
import type { Register, Tail } from '../cache/cache.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import { extendTail } from '../cache/tail.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Head, Message } from '../message.ts'
import type { Writer } from '../writer.ts'

/** Where fills go; `now` gives epoch milliseconds. */
export interface TailFillerDeps {
  guard: Pick<CacheGuard, 'drop'>
  history: Pick<History, 'findConversations'>
  writer: Pick<Writer, 'fill' | 'run'>
  now: () => number
  /** Called for a read that fills the cache, with the messages that it loaded from history. */
  onFill: (conversationId: string, messageCount: number, tokenCount: number) => void
}

/** The most tokens of a tail, and the life of one. */
export interface TailFillerLimits {
  tailTokens: number
  ttlSeconds: number
}

/** What a read of history learnt: the newest messages from history, and those before the tail that it was based on. */
export interface Filling {
  conversation: Conversation
  /** As it was before the range was read. */
  register: Register
  /** The document may have been read before the register was opened (protocol A1.2). */
  needsSecondLook: boolean
  base: Tail | undefined
  gap: readonly Message[]
  newer: readonly Message[]
  head: Head
  /** From where on all messages are in the base or were read. */
  knownFrom: number
}

/** Schedules with the writer what a read learnt about a conversation's cached tail. */
export interface TailFiller {
  /** A hit's tail, with all that starts before it from `knownFrom` on; it goes on in its life. */
  extend(conversationId: string, tail: Tail, gap: readonly Message[], knownFrom: number): void
  /** The tail that a read of history can write, if it says more than the cached one (protocol A1.4). */
  fill(filling: Filling): void
  /** A tail whose rows are junk, which fills would respect, or whose messages are being erased. */
  drop(conversationId: string): void
}

/** Makes tails of what reads learnt; every write goes through the writer, after the response. */
export function createTailFiller(deps: TailFillerDeps, { tailTokens, ttlSeconds }: TailFillerLimits): TailFiller {
  const { guard, history, writer, now, onFill } = deps

  function extend(conversationId: string, tail: Tail, gap: readonly Message[], knownFrom: number): void {
    const extended = extendTail(tail, gap, [], knownFrom, tailTokens)
    if (extended === undefined) drop(conversationId)
    else if (extended.knownFrom < tail.knownFrom) {
      writer.fill(conversationId, extended, undefined)
      countLoaded(conversationId, gap)
    }
  }

  function fill({ conversation, register, needsSecondLook, base, gap, newer, head, knownFrom }: Filling): void {
    const { id, branchEpoch: epoch, expiresAt } = conversation
    const start = base ?? { ...emptyTail(conversation, newer[0], head), life: createLife() }
    const began = { ...start, knownFrom, generation: register.generation, epoch, expiresAt }
    const tail = extendTail(began, gap, newer, knownFrom, tailTokens)
    if (tail === undefined) drop(id)
    else if (base === undefined || saysMore(tail, base)) {
      const isStillTrue = needsSecondLook ? () => isUnchanged(conversation) : undefined
      writer.fill(id, tail, base === undefined ? lifeSeconds(tail) : undefined, isStillTrue)
      countLoaded(id, [...gap, ...newer])
    }
  }

  /** The second look: a document from before the register says nothing of what was deleted or switched since. */
  async function isUnchanged({ ownerId, id, branchEpoch }: Conversation): Promise<boolean> {
    const [current] = await history.findConversations(ownerId, [id])
    return current?.branchEpoch === branchEpoch
  }

  function lifeSeconds({ expiresAt = Number.POSITIVE_INFINITY }: Tail): number {
    return Math.max(1, Math.min(ttlSeconds, Math.ceil((expiresAt - now()) / 1000)))
  }

  function countLoaded(conversationId: string, loaded: readonly Message[]): void {
    if (loaded.length === 0) return
    const tokenCount = loaded.reduce((sum, { tokens }) => sum + tokens, 0)
    onFill(conversationId, loaded.length, tokenCount)
  }

  function drop(conversationId: string): void {
    writer.run(conversationId, async () => void (await guard.drop(conversationId)))
  }

  return { extend, fill, drop }
}

/** 48 random bits: it must differ from the few other lives under one generation. */
function createLife(): string {
  return randomBytes(6).toString('base64url')
}

/** Where the first message from history goes, or the next one to come. */
function emptyTail(
  { ownerId, encoding, activeBranch: branch }: Conversation,
  oldest: Message | undefined,
  head: Head,
): Omit<Tail, 'generation' | 'life' | 'epoch' | 'knownFrom'> {
  const { sequence: first, tokenStart } = oldest ?? { sequence: head.sequence + 1, tokenStart: head.tokens }
  const span = { forks: [], first, last: first - 1, tokenStart, tokens: 0, rows: '' }
  return { ...span, branch, ownerId, encoding }
}

function saysMore(tail: Tail, base: Tail): boolean {
  return tail.last > base.last || tail.knownFrom < base.knownFrom || tail.epoch > base.epoch
}
