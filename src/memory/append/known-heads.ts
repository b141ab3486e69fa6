import { LRUCache } from 'lru-cache'
import { ownValue } from '../../own-value.ts'
import type { Conversation } from '../conversation.ts'
import type { Head } from '../message.ts'

/** Conversations whose heads are kept: many times those whose hints wait to be written. */
const MOST_CONVERSATIONS = 10_000

/**
 * A hint that is not written by then is found by a read. Less than a deletion takes, so that a conversation that is made
 * again by its id, as by an import, never shows the heads of the one before.
 */
const HINT_LIFE_MS = 30_000

interface Known extends Pick<Conversation, 'heads' | 'lastMessageAt'> {
  /** Epoch milliseconds. */
  raisedAt: number
}

const NOTHING_KNOWN: Omit<Known, 'raisedAt'> = { heads: {}, lastMessageAt: 0 }

/**
 * The heads that this node stored last. Their hints are written after the response; until then the conversation in
 * history is as before, and a read of it would differ from the next one without anything having happened between.
 */
export interface KnownHeads {
  /** Of a message that is durable; `lastMessageAt` is what its hint says. */
  raise(conversationId: string, branch: string, head: Head, lastMessageAt: number): void
  /** Whether this node stored what a hint names, or more behind it: then it needs no look at history. */
  isStored(conversationId: string, branch: string, hint: Head): boolean
  /** The conversation with the hints that are under way. They only rise, so that those that are written do no harm. */
  apply(conversation: Conversation): Conversation
}

/** The heads of one node; those of other nodes show when their hints are written. `now` returns epoch milliseconds. */
export function createKnownHeads(now: () => number): KnownHeads {
  const known = new LRUCache<string, Known>({ max: MOST_CONVERSATIONS })

  function findYoung(conversationId: string): Known | undefined {
    const own = known.get(conversationId)
    return own !== undefined && now() - own.raisedAt <= HINT_LIFE_MS ? own : undefined
  }

  function raise(conversationId: string, branch: string, head: Head, lastMessageAt: number): void {
    const before = findYoung(conversationId) ?? NOTHING_KNOWN
    known.set(conversationId, {
      heads: { ...before.heads, [branch]: higher(ownValue(before.heads, branch), head) },
      lastMessageAt: Math.max(before.lastMessageAt, lastMessageAt),
      raisedAt: now(),
    })
  }

  function isStored(conversationId: string, branch: string, hint: Head): boolean {
    const own = ownValue(known.get(conversationId)?.heads ?? {}, branch)
    if (own === undefined) return false
    return own.sequence > hint.sequence || (own.sequence === hint.sequence && own.tokens === hint.tokens)
  }

  function apply(conversation: Conversation): Conversation {
    const own = findYoung(conversation.id)
    if (own === undefined) return conversation
    const raised = Object.entries(own.heads).map(([branch, head]) => {
      return [branch, higher(ownValue(conversation.heads, branch), head)] as const
    })
    const heads = { ...conversation.heads, ...Object.fromEntries(raised) }
    return { ...conversation, heads, lastMessageAt: Math.max(conversation.lastMessageAt, own.lastMessageAt) }
  }

  return { raise, isStored, apply }
}

function higher(one: Head | undefined, other: Head): Head {
  return one !== undefined && one.sequence > other.sequence ? one : other
}
