import { messageId, placeOf } from '../ids.ts'
import type { LoggedChange } from './conversation-events.ts'

/**
 * How far the messages of a conversation's active path were published: the id of the last one that subscribers
 * have got without a gap, or of the place 0 before the first. So a message that is stored right behind it and
 * stays there unpublished was lost on the way.
 */
export type PublishedHead = string

/** Nothing is known; the next publication or check decides. */
export const UNKNOWN_HEAD: PublishedHead = ''
/** A message was published whose path is not known: something before it was lost. */
export const BROKEN_HEAD: PublishedHead = '?'

/** What a change does to the head. */
export interface HeadStep {
  /** The step is taken from this head on; empty: from any. */
  from: PublishedHead
  /** Empty: the change says nothing of the head. */
  to: PublishedHead
}

const NO_STEP: HeadStep = { from: '', to: '' }

/** The step of a change of any type. */
export function headStepOf(change: LoggedChange): HeadStep {
  if (change.type === 'BranchSelected') return { from: '', to: change.newestId }
  if (change.type === 'ConversationReset') return { from: '', to: change.newestId ?? '' }
  const place = change.type === 'MessageAppended' ? placeOf(change.messageId) : undefined
  if (change.type !== 'MessageAppended' || place === undefined) return NO_STEP
  return { from: messageId(place.conversationId, place.branch, place.sequence - 1), to: change.messageId }
}

/** A reset in place of changes that are lost, or the deletion, which nothing follows. */
export function replacementOf(changes: readonly LoggedChange[]): LoggedChange {
  const deletion = changes.find(({ type }) => type === 'ConversationDeleted')
  const newestId = changes.map((change) => headStepOf(change).to).findLast((to) => to !== '')
  return deletion ?? { type: 'ConversationReset', ...(newestId !== undefined && { newestId }) }
}

/** The head behind a step; the script of the Redis log does the same. */
export function takeStep(head: PublishedHead, { from, to }: HeadStep): PublishedHead {
  if (to === '') return head
  if (from === '' || from === head || head === UNKNOWN_HEAD) return to
  return branchOf(head) === branchOf(to) ? head : BROKEN_HEAD
}

/** The id that a message right behind the head has; undefined where the head is none. */
export function nextId(head: PublishedHead): string | undefined {
  const place = placeOf(head)
  return place && messageId(place.conversationId, place.branch, place.sequence + 1)
}

/** As the script cuts it: what follows the sequence. */
function branchOf(id: string): string {
  return /^msg_\w{26}_\w{7}(.*)$/.exec(id)?.[1] ?? id
}
