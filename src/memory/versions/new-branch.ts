import {
  BadUserInputError,
  ClientMessageIdConflictError,
  HistoryUnavailableError,
  NotFoundError,
} from '../../errors.ts'
import type { Branch, Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { createBranchId, messageId, placeOf } from '../ids.ts'
import type { Head, Message } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import { branchAt, isListed, MAX_BRANCHES, withBranch } from './branches.ts'

/** A branch that is not listed yet. */
export interface NewBranch {
  branch: Branch
  /** The message whose position its first one takes. */
  replaced: Message
  /** The branch that is active until then. */
  leftBranch: string
}

/** Where an append goes: behind a head on a branch. */
export interface AppendPoint {
  /** With a new branch: as it is to be when that is listed. */
  conversation: Conversation
  branch: string
  /** Absent where the branch is listed. */
  newBranch?: NewBranch
  head: Head
  /** Whether history showed that the head's message is there. Absent: the hint, or a cached tail, says so. */
  isHeadStored?: boolean
  /** Epoch milliseconds before the conversation was read. */
  readAt: number
}

/** The conversation and the message to be replaced; NotFoundError unless it is on a path of it. */
export async function readReplaced(
  history: Pick<History, 'findConversations' | 'findMessages'>,
  ownerId: string,
  conversationId: string,
  replaces: string,
): Promise<[Conversation, Message]> {
  const isHere = placeOf(replaces)?.conversationId === conversationId
  const [conversation, [replaced]] = await Promise.all([
    findConversation(history, ownerId, conversationId),
    isHere ? history.findMessages([replaces]) : [],
  ])
  if (replaced === undefined || !isListed(conversation, replaced.branch)) throw new NotFoundError('message', replaces)
  return [conversation, replaced]
}

/** A branch in the place of a message. Throws BadUserInputError where the conversation has MAX_BRANCHES already. */
export function proposeBranch(
  conversation: Conversation,
  replaced: Message,
  id: string = createBranchId(),
): { conversation: Conversation; newBranch: NewBranch } {
  const { length } = conversation.branches
  if (length >= MAX_BRANCHES) {
    throw new BadUserInputError('replaces', `in a conversation with less than ${MAX_BRANCHES} branches`, String(length))
  }
  const branch = branchAt(conversation, id, replaced)
  const { activeBranch: leftBranch } = conversation
  return { conversation: withBranch(conversation, branch), newBranch: { branch, replaced, leftBranch } }
}

/**
 * The point of an append in the place of a message. One whose first message is stored already goes on with the
 * branch that was made then, whether that is listed or not. Throws ClientMessageIdConflictError where that message
 * stands elsewhere on a listed branch.
 */
export function branchPoint(
  conversation: Conversation,
  replaced: Message,
  stored: Message | undefined,
  proposed: string = createBranchId(),
): Omit<AppendPoint, 'readAt'> {
  if (stored && !standsAt(stored, replaced)) {
    throw new ClientMessageIdConflictError(stored.clientMessageId ?? '', stored.id, 'in another place')
  }
  const branch = stored?.branch ?? proposed
  const head = { sequence: replaced.sequence - 1, tokens: replaced.tokenStart }
  // What it replaces stands behind the head already.
  if (isListed(conversation, branch)) return { conversation, branch, head, isHeadStored: true }
  return { ...proposeBranch(conversation, replaced, branch), branch, head, isHeadStored: true }
}

/** Whether two messages begin at the same place of their paths. */
export function standsAt(one: Message, other: Message): boolean {
  return one.sequence === other.sequence && one.tokenStart === other.tokenStart
}

/** A switch that is done: the conversation after it, and the branch that was left, unless another call did it. */
export interface CommittedBranch {
  conversation: Conversation
  leftBranch?: string
}

/**
 * Lists a branch whose first messages are stored, and makes it active (A3): against any number of other
 * switches, each of which costs an attempt. `onMark` sends the mark of a further one; `now` returns epoch milliseconds.
 * Rejects with HistoryUnavailableError where the sweep has removed the branch meanwhile.
 */
export async function commitBranch(
  history: Pick<History, 'findConversations' | 'switchBranch' | 'renewUnlistedBranch' | 'findMessages'>,
  proposal: { conversation: Conversation; newBranch: NewBranch },
  head: Head,
  { onMark, now }: { onMark: (epoch: number) => void; now: () => number },
): Promise<CommittedBranch> {
  for (let { conversation, newBranch } = proposal; ; ) {
    const { ownerId, id, branchEpoch: toEpoch } = conversation
    const { branch, replaced, leftBranch } = newBranch
    const change = { fromEpoch: toEpoch - 1, toEpoch, branch: branch.id, newBranch: { branch, head } }
    if (await history.switchBranch(ownerId, id, change)) return { conversation, leftBranch }
    const current = await findConversation(history, ownerId, id)
    // The same append listed it meanwhile, or an earlier attempt of ours whose answer was lost. We acknowledge it
    // too, so we mark it: the other's mark may still be under way.
    if (isListed(current, branch.id)) {
      onMark(current.branchEpoch)
      return { conversation: current }
    }
    await keepUnlisted(history, newBranch, id, now())
    ;({ conversation, newBranch } = proposeBranch(current, replaced, branch.id))
    onMark(conversation.branchEpoch)
  }
}

/**
 * Keeps a branch that is to be listed though it is old from its removal; to be called behind the read of the conversation
 * by whose epoch it is listed: who gave it up has raised that before. Rejects with HistoryUnavailableError where it is
 * being removed: the same edit, sent again, makes another one.
 */
export async function keepUnlisted(
  history: Pick<History, 'renewUnlistedBranch' | 'findMessages'>,
  { branch: { id: branch, atSequence } }: Pick<NewBranch, 'branch'>,
  conversationId: string,
  now: number,
): Promise<void> {
  const [isKept, [first]] = await Promise.all([
    history.renewUnlistedBranch(conversationId, branch, now),
    // What was inserted late, behind messages that were removed, does not bring these back.
    history.findMessages([messageId(conversationId, branch, atSequence)]),
  ])
  if (!isKept || first === undefined)
    throw new HistoryUnavailableError(new Error(`The branch ${branch} of ${conversationId} is removed`))
}
