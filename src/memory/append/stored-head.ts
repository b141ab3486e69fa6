import { ConversationUnreadableError } from '../../errors.ts'
import type { History } from '../history/history.ts'
import { messageId } from '../ids.ts'
import type { Head } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import { pathSegments } from '../versions/branches.ts'
import type { AppendPoint } from '../versions/new-branch.ts'

/**
 * The head of a branch as its message has it, or undefined where that message is not there: what was put behind it would
 * leave a gap for ever. A hint may be of a message that the store has lost, as after a backup of other messages. Throws
 * ConversationUnreadableError where the branch is not listed, or does not begin where its parent's message ends.
 */
export async function findStoredHead(
  history: Pick<History, 'findMessages'>,
  { conversation, branch, head }: Pick<AppendPoint, 'conversation' | 'branch' | 'head'>,
): Promise<Head | undefined> {
  const { sequence } = head
  if (sequence === 0) return { sequence, tokens: 0 }
  const segment = pathSegments(conversation, branch).find(({ fromSequence }) => fromSequence <= sequence)
  if (segment === undefined) throw new ConversationUnreadableError(conversation.id, 'a head is on no branch')
  const [newest] = await history.findMessages([messageId(conversation.id, segment.branch, sequence)])
  if (newest === undefined) return undefined
  const tokens = newest.tokenStart + newest.tokens
  if (segment.branch !== branch && tokens !== head.tokens) {
    throw new ConversationUnreadableError(conversation.id, 'a branch begins at other tokens than its parent has there')
  }
  return { sequence, tokens }
}

/** The same for a hint, which only an erasure that is under way makes untrue. Rejects with NotFoundError then, else with ConversationUnreadableError. */
export async function readStoredHead(
  history: Pick<History, 'findMessages' | 'findConversations'>,
  point: Pick<AppendPoint, 'conversation' | 'branch' | 'head'>,
): Promise<Head> {
  const head = await findStoredHead(history, point)
  if (head !== undefined) return head
  const { ownerId, id } = point.conversation
  await findConversation(history, ownerId, id, { isStrong: true })
  throw new ConversationUnreadableError(id, 'the hint of its head names a message that is not there')
}
