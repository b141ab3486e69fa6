import { ownValue } from '../../own-value.ts'
import type { CacheEntry, Register, Tail } from '../cache/cache.ts'
import { headOfTail } from '../cache/tail.ts'
import { type Conversation, headHint } from '../conversation.ts'
import type { Head } from '../message.ts'
import { lowestTokenStart } from './window.ts'

/** What a read of a path must serve. */
export interface PathNeed {
  ownerId: string
  conversationId: string
  maxTokens: number
  /** Characters that may be read for it. Absent: without a bound. */
  maxLength?: number
  /** Whether history must prove that nothing newer is there: of a cached tail no more than a base. */
  isStrong: boolean
  /** What the cache held; undefined when it could not be read. */
  entry: CacheEntry | undefined
}

/**
 * The tail if it answers without history (A1.1); `now` in epoch milliseconds. None for a STRONG read. A foreign
 * or ended one is a miss, to which history says NOT_FOUND.
 */
export function hitTail({ entry, ownerId, isStrong }: PathNeed, now: number): Tail | undefined {
  const { register, tail } = entry ?? {}
  if (isStrong) return undefined
  if (register === undefined || tail === undefined || tail.ownerId !== ownerId) return undefined
  if (tail.expiresAt !== undefined && tail.expiresAt <= now) return undefined
  if (tail.generation !== register.generation || tail.epoch < register.epoch) return undefined
  return tail.last >= (ownValue(register.marks, tail.branch) ?? 0) ? tail : undefined
}

/**
 * Whether a hit can be what the conversation's document says (A1, a send): its branch, its epoch, no older
 * than the hint, and nothing that was to be dropped.
 */
export function isOfDocument(tail: Tail, conversation: Conversation): boolean {
  const { activeBranch, branchEpoch, dropDue } = conversation
  const hint = headHint(conversation, activeBranch)
  return (
    dropDue === undefined && tail.branch === activeBranch && tail.epoch >= branchEpoch && tail.last >= hint.sequence
  )
}

/**
 * Whether a tail says of its conversation what its document does not: fills would respect it, and no read could use it,
 * as long as it lives.
 */
export function isForeign(tail: Tail | undefined, { ownerId, expiresAt }: Conversation): boolean {
  return tail !== undefined && (tail.ownerId !== ownerId || tail.expiresAt !== expiresAt)
}

/**
 * The tail where history need only add to it (A1.3): of the generation that the fill will carry, of the
 * active branch, nothing that was to be dropped, and within the budget's reach.
 */
export function baseTail(
  { ownerId, maxTokens, entry }: PathNeed,
  register: Register | undefined,
  conversation: Conversation,
  hint: Head,
): Tail | undefined {
  const tail = entry?.tail
  if (register === undefined || tail === undefined || tail.ownerId !== ownerId) return undefined
  if (conversation.dropDue !== undefined) return undefined
  if (tail.generation !== register.generation || tail.branch !== conversation.activeBranch) return undefined
  return headOfTail(tail).tokens >= lowestTokenStart(hint, maxTokens) ? tail : undefined
}
