import type { CacheEntry, Mark } from './cache.ts'
import { raiseRegister } from './register.ts'

/**
 * Marks and drops that the cache has not taken yet, merged by conversation. They commute: a drop keeps
 * what marks have raised (protocol A4).
 */
export interface UnsentWrites {
  /** Returns false when there is no room for one more conversation: then the mark is lost. */
  addMark(conversationId: string, mark: Mark): boolean
  /** The same for a drop. */
  addDrop(conversationId: string): boolean
  /** A later drop was answered, which does for an unsent one too. */
  removeDrop(conversationId: string): void
  /** The entry as it will be once all is sent: a tail that is to be dropped is absent already. */
  applyTo(conversationId: string, entry: CacheEntry): CacheEntry
  /**
   * Sends each once, also those that are added meanwhile, a conversation's drop before its marks, and
   * removes what was taken. When many are not taken the rest waits for the next time. Never rejects;
   * returns whether all were taken.
   */
  sendAll(send: UnsentSender): Promise<boolean>
  /** The number of conversations. */
  readonly size: number
}

/** Each says whether the cache took it, and must not reject. */
export interface UnsentSender {
  mark(conversationId: string, mark: Mark): Promise<boolean>
  drop(conversationId: string): Promise<boolean>
}

interface Unsent {
  /** A new object for each drop. */
  drop?: object | undefined
  /** By branch. */
  marks: Map<string, Mark>
}

/** Round trips overlap, but a cache that has just come back is not flooded. */
const SENT_AT_ONCE = 16

/** A cache that does not take so many gets no more, so that a long refusal costs little. */
const UNTAKEN_AT_ONCE = 256

/** An epoch that is raised by what is still unsent belongs to a switch that lives. */
const NOT_YET_SENT = Number.POSITIVE_INFINITY

/** Writes of at most `maxConversations`. */
export function createUnsentWrites(maxConversations: number): UnsentWrites {
  const unsent = new Map<string, Unsent>()

  function addMark(conversationId: string, mark: Mark): boolean {
    const its = unsentOf(conversationId)
    its?.marks.set(mark.branch, higher(mark, its.marks.get(mark.branch)))
    return its !== undefined
  }

  function addDrop(conversationId: string): boolean {
    const its = unsentOf(conversationId)
    if (its !== undefined) its.drop = {}
    return its !== undefined
  }

  function removeDrop(conversationId: string): void {
    const its = unsent.get(conversationId)
    if (its === undefined) return
    its.drop = undefined
    if (its.marks.size === 0) unsent.delete(conversationId)
  }

  function unsentOf(conversationId: string): Unsent | undefined {
    const present = unsent.get(conversationId)
    if (present !== undefined || unsent.size >= maxConversations) return present
    const its: Unsent = { marks: new Map() }
    unsent.set(conversationId, its)
    return its
  }

  function applyTo(conversationId: string, entry: CacheEntry): CacheEntry {
    const its = unsent.get(conversationId)
    if (its === undefined) return entry
    const { register, tail } = entry
    return {
      ...(register && { register: raiseRegister(register, [...its.marks.values()], NOT_YET_SENT) }),
      ...(tail && its.drop === undefined && { tail }),
    }
  }

  /** What is added anew while it is sent is another object, and stays. */
  async function sendUnsent(conversationId: string, send: UnsentSender): Promise<boolean> {
    const its = unsent.get(conversationId)
    if (its === undefined) return true
    const { drop, marks } = its
    let allTaken = true
    if (drop !== undefined) {
      if (!(await send.drop(conversationId))) allTaken = false
      else if (its.drop === drop) its.drop = undefined
    }
    for (const mark of [...marks.values()]) {
      if (!(await send.mark(conversationId, mark))) allTaken = false
      else if (marks.get(mark.branch) === mark) marks.delete(mark.branch)
    }
    if (its.drop === undefined && marks.size === 0) unsent.delete(conversationId)
    return allTaken
  }

  /** Puts them behind the others, which come first the next time. */
  function moveBack(conversationIds: readonly string[]): void {
    for (const id of conversationIds) {
      const its = unsent.get(id)
      if (its === undefined) continue
      unsent.delete(id)
      unsent.set(id, its)
    }
  }

  async function sendAll(send: UnsentSender): Promise<boolean> {
    // One iterator for all senders; a map's iterator also meets what is added behind it.
    const waiting = unsent.keys()
    const untaken: string[] = []
    async function sendWaiting(): Promise<void> {
      for (const conversationId of waiting) {
        if (!(await sendUnsent(conversationId, send))) untaken.push(conversationId)
        if (untaken.length >= UNTAKEN_AT_ONCE) return
      }
    }
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, sendWaiting))
    moveBack(untaken)
    return untaken.length === 0
  }

  return {
    addMark,
    addDrop,
    removeDrop,
    applyTo,
    sendAll,
    get size() {
      return unsent.size
    },
  }
}

function higher(mark: Mark, present: Mark | undefined): Mark {
  if (present === undefined) return mark
  const { epoch, sequence } = present
  return { ...mark, epoch: Math.max(mark.epoch, epoch), sequence: Math.max(mark.sequence, sequence) }
}
