import pMap from 'p-map'
import type { Conversation } from '../conversation.ts'
import type { History, SequenceRange } from '../history/history.ts'
import type { Message } from '../message.ts'
import { pathSegments } from '../versions/branches.ts'

/** Of a path through many branches: a share of a driver's connections, and others' reads come between. */
const SEGMENTS_AT_ONCE = 32

/**
 * Messages of the path that ends on a branch, by sequence, oldest first; `from` says which end is kept when
 * there are more than `limit`. One range of the history for each segment of the path, many at once.
 */
export async function readPathSequences(
  history: Pick<History, 'readSequenceRange'>,
  conversation: Pick<Conversation, 'id' | 'branches'>,
  endBranch: string,
  { afterSequence, beforeSequence, limit, from }: Omit<SequenceRange, 'conversationId' | 'branch'>,
): Promise<Message[]> {
  const ranges = pathSegments(conversation, endBranch)
    .map((segment) => ({
      branch: segment.branch,
      afterSequence: Math.max(afterSequence, segment.fromSequence - 1),
      beforeSequence: Math.min(beforeSequence, segment.belowSequence),
    }))
    .filter((range) => range.afterSequence + 1 < range.beforeSequence)
  function read(range: (typeof ranges)[number]): Promise<Message[]> {
    return history.readSequenceRange({ conversationId: conversation.id, ...range, limit, from })
  }
  const oldestFirst = (await pMap(ranges.reverse(), read, { concurrency: SEGMENTS_AT_ONCE })).flat()
  return from === 'OLDEST' ? oldestFirst.slice(0, limit) : oldestFirst.slice(-limit)
}
