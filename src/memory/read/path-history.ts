import pMap from 'p-map'
import type { Conversation } from '../conversation.ts'
import type { History, SequenceRange, TokenRange } from '../history/history.ts'
import type { Message } from '../message.ts'
import { pathSegments } from '../versions/branches.ts'

type Tree = Pick<Conversation, 'id' | 'branches'>

/** Of a path through many branches: a share of a driver's connections, and others' reads come between. */
const STRETCHES_AT_ONCE = 32

/**
 * Messages of the path that ends on a branch, by their token positions, oldest first; the newest `limit`.
 * One range of the history for each branch that the stretch crosses, many at once.
 */
export async function readPathTokens(
  history: Pick<History, 'readTokenRange'>,
  conversation: Tree,
  endBranch: string,
  { fromTokens, belowTokens: below = Number.POSITIVE_INFINITY, limit }: Omit<TokenRange, 'conversationId' | 'branch'>,
): Promise<Message[]> {
  const stretches = pathSegments(conversation, endBranch)
    .map((segment) => ({
      branch: segment.branch,
      fromTokens: Math.max(fromTokens, segment.fromTokens),
      belowTokens: Math.min(below, segment.belowTokens),
    }))
    .filter((stretch) => stretch.fromTokens < stretch.belowTokens)
  const read = ({ belowTokens, ...stretch }: (typeof stretches)[number]) =>
    history.readTokenRange({
      conversationId: conversation.id,
      ...stretch,
      ...(Number.isFinite(belowTokens) && { belowTokens }),
      limit,
    })
  const newestFirst = (await pMap(stretches, read, { concurrency: STRETCHES_AT_ONCE })).flat()
  return newestFirst.slice(0, limit).reverse()
}

/** The same by sequence; `from` says which end is kept when there are more than `limit`. */
export async function readPathSequences(
  history: Pick<History, 'readSequenceRange'>,
  conversation: Tree,
  endBranch: string,
  { afterSequence, beforeSequence, limit, from }: Omit<SequenceRange, 'conversationId' | 'branch'>,
): Promise<Message[]> {
  const stretches = pathSegments(conversation, endBranch)
    .map((segment) => ({
      branch: segment.branch,
      afterSequence: Math.max(afterSequence, segment.fromSequence - 1),
      beforeSequence: Math.min(beforeSequence, segment.belowSequence),
    }))
    .filter((stretch) => stretch.afterSequence + 1 < stretch.beforeSequence)
  const read = (stretch: (typeof stretches)[number]) =>
    history.readSequenceRange({ conversationId: conversation.id, ...stretch, limit, from })
  const oldestFirst = (await pMap(stretches.reverse(), read, { concurrency: STRETCHES_AT_ONCE })).flat()
  return from === 'OLDEST' ? oldestFirst.slice(0, limit) : oldestFirst.slice(-limit)
}
