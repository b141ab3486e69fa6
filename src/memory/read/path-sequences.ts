import pMap from 'p-map'
import type { Conversation } from '../conversation.ts'
import type { History, MessageRun, SequenceRange } from '../history/history.ts'
import type { Message } from '../message.ts'
import { pathSegments } from '../versions/branches.ts'

type PathRange = Omit<SequenceRange, 'conversationId'>

/** Of a path through many branches: a share of a driver's connections, and others' reads come between. */
const SEGMENTS_AT_ONCE = 32
/** Where long messages are to be few, so many are read at once, however they are spread over branches. */
const MESSAGES_AT_ONCE = 16

/**
 * Messages of the path that ends on a branch, by sequence, oldest first; `from` says which end is kept when
 * there are more than `limit`, or than `maxLength` characters. One range of the history for each segment of the path,
 * many at once.
 */
export async function readPathSequences(
  history: Pick<History, 'readSequenceRange'>,
  conversation: Pick<Conversation, 'id' | 'branches'>,
  endBranch: string,
  { afterSequence, beforeSequence, limit, from, maxLength }: Omit<PathRange, 'branch'>,
): Promise<MessageRun> {
  const newestFirst = pathSegments(conversation, endBranch)
    .map((segment) => ({
      branch: segment.branch,
      afterSequence: Math.max(afterSequence, segment.fromSequence - 1),
      beforeSequence: Math.min(beforeSequence, segment.belowSequence),
    }))
    .filter((range) => range.afterSequence + 1 < range.beforeSequence)
  const ranges = from === 'OLDEST' ? newestFirst.reverse() : newestFirst
  const most = { limit, from, ...(maxLength !== undefined && { maxLength }) }
  const read = (range: (typeof ranges)[number]) =>
    history.readSequenceRange({ conversationId: conversation.id, ...range, ...most })
  const path: MessageRun = { messages: [], length: 0, isShortened: false }
  for (const group of maxLength === undefined ? [ranges] : groupRanges(ranges)) {
    const runs = await pMap(group, read, { concurrency: SEGMENTS_AT_ONCE })
    for (const run of runs) addRun(path, run, most)
    if (path.isShortened || path.messages.length >= limit) break
  }
  return path
}

/** Ranges of few messages together, so that no more is read ahead than is soon forgotten. */
function groupRanges<R extends Pick<SequenceRange, 'afterSequence' | 'beforeSequence'>>(ranges: readonly R[]): R[][] {
  const groups: R[][] = []
  let room = 0
  for (const range of ranges) {
    const messages = range.beforeSequence - range.afterSequence - 1
    const group = groups.at(-1)
    if (group !== undefined && messages <= room) group.push(range)
    else {
      groups.push([range])
      room = MESSAGES_AT_ONCE
    }
    room -= messages
  }
  return groups
}

/** Goes on at the end that is not kept. A segment that would be too long with those before comes with the next page. */
function addRun(
  path: MessageRun,
  { messages, length, isShortened }: MessageRun,
  { limit, from, maxLength = Number.POSITIVE_INFINITY }: Pick<PathRange, 'limit' | 'from' | 'maxLength'>,
): void {
  if (path.isShortened) return
  if (path.messages.length > 0 && path.length + length > maxLength) {
    path.isShortened = true
    return
  }
  path.messages = keep([path.messages, messages], from, limit)
  path.length += length
  path.isShortened = isShortened
}

function keep([near = [], far = []]: readonly Message[][], from: PathRange['from'], limit: number): Message[] {
  return from === 'OLDEST' ? [...near, ...far].slice(0, limit) : [...far, ...near].slice(-limit)
}
