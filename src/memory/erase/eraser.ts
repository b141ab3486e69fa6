import pMap from 'p-map'
import { NotFoundError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { ConversationChange, ConversationEvents } from '../events/conversation-events.ts'
import type { History } from '../history/history.ts'
import type { ReplyRecords } from '../history/reply-record.ts'
import type { Writer } from '../writer.ts'
import { sweepEach } from './sweep-each.ts'

/** The second pass comes this long after the commit: inserts that were under way have landed by then (A4). */
const SECOND_PASS_MS = 60_000
/** Conversations that are found at once, and how often one sweep looks for more of them. */
const SWEEP_LIMIT = 100
const SWEEP_ROUNDS = 10
/** Messages, and replies, that one step removes; the stores bound its bytes. */
const STEP_LIMIT = 1_000
/** Writes and commands of one sweep at once: a share of the driver's 100 connections. */
const CONCURRENCY = 8

/** The stores that a deletion empties; `now` returns epoch milliseconds. */
export interface EraserDeps {
  guard: CacheGuard
  history: History
  records: Pick<ReplyRecords, 'findIds' | 'remove'>
  /** Whether a reply's text is gone from what carries it between nodes; else it is erased when that is back. */
  eraseReplyText(replyId: string): Promise<boolean>
  events: Pick<ConversationEvents, 'erase'>
  publish(conversationId: string, changes: readonly ConversationChange[]): void
  writer: Writer
  now: () => number
}

/** Deletes conversations, and finishes deletions that were committed. */
export interface Eraser {
  /**
   * The conversation is absent when this returns, on every node whose cache drop was answered. Rejects with
   * NotFoundError where it is missing or foreign.
   */
  deleteConversation(ownerId: string, conversationId: string): Promise<void>
  /**
   * Deletes conversations that are past their `expiresAt`, and finishes deletions, also those of nodes that died. To
   * be called about once a minute.
   */
  sweep(): Promise<void>
}

/** Deletion by protocol A4: the commit, the drop, then replies and messages, and the document last. */
export function createEraser(deps: EraserDeps): Eraser {
  const { guard, history, records, eraseReplyText, events, publish, writer, now } = deps

  /** A reply's text first, since its record leads to it. A node that runs one finds the record gone, and stops. */
  async function removeReplies(conversationId: string): Promise<number> {
    const ids = await records.findIds(conversationId, STEP_LIMIT)
    await pMap(ids, eraseReplyText, { concurrency: CONCURRENCY })
    return records.remove(conversationId, ids)
  }

  async function removeContent(conversationId: string): Promise<void> {
    while ((await removeReplies(conversationId)) > 0);
    while ((await history.removeMessages(conversationId, STEP_LIMIT)).messages > 0);
  }

  async function deleteConversation(ownerId: string, conversationId: string): Promise<void> {
    const isCommitted = await history.markDeleted(ownerId, conversationId, now())
    if (!isCommitted) throw new NotFoundError('conversation', conversationId)
    await afterCommit(conversationId)
  }

  /** A fill needs the generation that the drop destroys, and a new one reads the commit. */
  async function afterCommit(conversationId: string): Promise<void> {
    await guard.drop(conversationId)
    publish(conversationId, [{ type: 'ConversationDeleted' }])
    writer.run(conversationId, () => removeContent(conversationId))
  }

  async function expire(expired: { conversationId: string; ownerId: string }): Promise<void> {
    const { conversationId, ownerId } = expired
    // Another node's sweep may have been first.
    if (!(await history.markExpired(ownerId, conversationId, now()))) return
    await afterCommit(conversationId)
  }

  async function sweepExpired(): Promise<void> {
    for (let round = 0; round < SWEEP_ROUNDS; round++) {
      const expired = await history.findExpired(now(), SWEEP_LIMIT)
      await pMap(expired, expire, { concurrency: CONCURRENCY })
      if (expired.length < SWEEP_LIMIT) return
    }
  }

  /** Returns whether there may be more: as many as were found at once, and all of them finished. */
  async function finishDeletions(): Promise<boolean> {
    const unfinished = await history.findUnfinishedDeletions(now() - SECOND_PASS_MS, SWEEP_LIMIT)
    let finished = 0
    await sweepEach(unfinished, async ({ conversationId }) => {
      await removeContent(conversationId)
      const erased = await Promise.all([guard.drop(conversationId), events.erase(conversationId)])
      // The document is what remembers an unanswered drop, so it goes last and only then.
      if (erased.includes(false)) return
      await history.removeConversation(conversationId)
      finished += 1
    })
    return finished === SWEEP_LIMIT
  }

  async function sweep(): Promise<void> {
    await sweepExpired()
    for (let round = 0; round < SWEEP_ROUNDS && (await finishDeletions()); round++);
  }

  return { deleteConversation, sweep }
}
