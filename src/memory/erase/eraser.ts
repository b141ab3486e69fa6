import { NotFoundError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { History, RemovedCounts } from '../history/history.ts'
import type { ReplyRecords } from '../history/reply-record.ts'
import type { Writer } from '../writer.ts'
import { sweepEach } from './sweep-each.ts'

/** The second pass comes this long after the commit: inserts that were under way have landed by then (A4). */
const SECOND_PASS_MS = 60_000
/** Deletions that one sweep finishes, and messages, and replies, that one step removes. */
const SWEEP_LIMIT = 100
const STEP_LIMIT = 1_000

/** The stores that a deletion empties; `now` returns epoch milliseconds. */
export interface EraserDeps {
  guard: CacheGuard
  history: History
  records: Pick<ReplyRecords, 'remove'>
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
  /** Finishes deletions, also those of nodes that died; to be called about once a minute. */
  sweep(): Promise<void>
}

/** Deletion by protocol A4: the commit, the drop, then replies and messages, and the document last. */
export function createEraser({ guard, history, records, writer, now }: EraserDeps): Eraser {
  /** The replies first: a node that runs one finds at its next checkpoint that it is gone. */
  async function removeStep(conversationId: string): Promise<RemovedCounts> {
    const replies = await records.remove(conversationId, STEP_LIMIT)
    return { replies, ...(await history.removeMessages(conversationId, STEP_LIMIT)) }
  }

  async function removeContent(conversationId: string): Promise<void> {
    let removed: RemovedCounts
    do removed = await removeStep(conversationId)
    while (removed.replies + removed.messages > 0)
  }

  async function deleteConversation(ownerId: string, conversationId: string): Promise<void> {
    const isCommitted = await history.markDeleted(ownerId, conversationId, now())
    if (!isCommitted) throw new NotFoundError('conversation', conversationId)
    // After the commit: a fill needs the generation that this destroys, and a new one reads the commit.
    await guard.drop(conversationId)
    writer.run(conversationId, () => removeContent(conversationId))
  }

  async function sweep(): Promise<void> {
    const unfinished = await history.findUnfinishedDeletions(now() - SECOND_PASS_MS, SWEEP_LIMIT)
    await sweepEach(unfinished, async ({ conversationId }) => {
      await removeContent(conversationId)
      // The document is what remembers an unanswered drop, so it goes last and only then.
      if (await guard.drop(conversationId)) await history.removeConversation(conversationId)
    })
  }

  return { deleteConversation, sweep }
}
