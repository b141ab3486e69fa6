import type { Tail } from '../cache/cache.ts'
import type { Conversation } from '../conversation.ts'
import type { Head, Message } from '../message.ts'

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

/** What a path is joined of, each list oldest first. */
export interface PathRanges {
  base: Tail | undefined
  /** What the budget wants of the base. */
  cached: readonly Message[]
  /** What it wants from before the base. */
  gap: readonly Message[]
  /** What came behind the base. */
  newer: readonly Message[]
}

/**
 * The ranges as one path down to `lowest`; undefined when they do not join, lack the head that is known or,
 * where all is wanted, the first message.
 */
export function joinPath({ base, cached, gap, newer }: PathRanges, known: Head, lowest: number): Path | undefined {
  const messages = [...gap, ...cached, ...newer]
  const newest = newer.at(-1)
  const head = newest === undefined ? known : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
  const joins =
    isContiguous(messages) &&
    (base === undefined || gap.length === 0 || gap.at(-1)?.sequence === base.first - 1) &&
    (base === undefined || newer.length === 0 || newer[0]?.sequence === base.last + 1) &&
    (messages.at(-1)?.sequence ?? head.sequence) === head.sequence &&
    head.sequence >= known.sequence &&
    (lowest > 0 || messages.length === head.sequence)
  const cachedFrom = base?.first ?? head.sequence + 1
  // Without a tail all came from history, and so would what is placed behind the head.
  const historyFrom = base === undefined ? 0 : base.last + 1
  return joins ? { conversation: undefined, head, messages, cachedFrom, historyFrom } : undefined
}

/** Whether history showed the newest message, or that there is none within the budget: a cached tail alone proves nothing. */
export function endsInHistory({ conversation, messages, historyFrom }: Path): boolean {
  const newest = messages.at(-1)
  return newest === undefined ? conversation !== undefined : newest.sequence >= historyFrom
}

function isContiguous(messages: readonly Message[]): boolean {
  return messages.every((message, index) => {
    const previous = messages[index - 1]
    if (previous === undefined) return true
    return message.sequence === previous.sequence + 1 && message.tokenStart === previous.tokenStart + previous.tokens
  })
}
