import {
  BadUserInputError,
  ClientMessageIdConflictError,
  HistoryUnavailableError,
  NotFoundError,
} from '../../errors.ts'
import type { Branch, Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { createBranchId, placeOf } from '../ids.ts'
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
  /** An earlier attempt, or another node, may have stored messages on it. */
  isShared?: true
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
  wanted?: string,
): Omit<AppendPoint, 'readAt'> {
  if (stored && !standsAt(stored, replaced)) {
    throw new ClientMessageIdConflictError(stored.clientMessageId ?? '', stored.id, 'in another place')
  }
  const known = stored?.branch ?? wanted
  const branch = known ?? createBranchId()
  const head = { sequence: replaced.sequence - 1, tokens: replaced.tokenStart }
  // What it replaces stands behind the head already.
  if (isListed(conversation, branch)) return { conversation, branch, head, isHeadStored: true }
  const { newBranch, ...proposal } = proposeBranch(conversation, replaced, branch)
  const isShared = known !== undefined && ({ isShared: true } as const)
  return { ...proposal, newBranch: { ...newBranch, ...isShared }, branch, head, isHeadStored: true }
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

/** A branch to be listed. */
export interface BranchCommit {
  /** As it is to be then. */
  conversation: Conversation
  newBranch: NewBranch
  head: Head
  /** The highest sequence on it that is acknowledged then. */
  last: number
  /** All that is acknowledged was stored by this call, since the conversation was read. */
  isOwn: boolean
}

/**
 * Lists a branch whose first messages are stored, and makes it active (A3): against any number of other
 * switches, each of which costs an attempt. `onMark` sends the mark of a further one; `now` returns epoch milliseconds.
 * Rejects with HistoryUnavailableError where the sweep has removed some of them meanwhile: the same edit, sent again,
 * makes another branch.
 */
export async function commitBranch(
  history: Pick<History, 'findConversations' | 'switchBranch' | 'renewUnlistedBranch' | 'isBranchWhole'>,
  { head, last, isOwn, ...proposal }: BranchCommit,
  { onMark, now }: { onMark: (epoch: number) => void; now: () => number },
): Promise<CommittedBranch> {
  const { id: branch, atSequence } = proposal.newBranch.branch

  /**
   * To be called behind the read of the conversation by whose epoch the branch is listed: who gave up one of its messages
   * before has raised that, or meets the listed branch.
   */
  async function checkWhole(conversationId: string): Promise<void> {
    if (await history.isBranchWhole(conversationId, branch, atSequence, last)) return
    throw new HistoryUnavailableError(new Error(`The branch ${branch} of ${conversationId} is removed`))
  }

  async function keepUnlisted(conversationId: string): Promise<void> {
    await history.renewUnlistedBranch(conversationId, branch, now())
    await checkWhole(conversationId)
  }

  if (!isOwn) await keepUnlisted(proposal.conversation.id)
  for (let { conversation, newBranch } = proposal; ; ) {
    const { ownerId, id, branchEpoch: toEpoch } = conversation
    const { replaced, leftBranch } = newBranch
    const change = { fromEpoch: toEpoch - 1, toEpoch, branch, newBranch: { branch: newBranch.branch, head } }
    if (await history.switchBranch(ownerId, id, change)) return { conversation, leftBranch }
    const current = await findConversation(history, ownerId, id)
    // The same append listed it meanwhile, or an earlier attempt of ours whose answer was lost. We acknowledge it
    // too, so we mark it: the other's mark may still be under way.
    if (isListed(current, branch)) {
      await checkWhole(id)
      onMark(current.branchEpoch)
      return { conversation: current }
    }
    await keepUnlisted(id)
    ;({ conversation, newBranch } = proposeBranch(current, replaced, branch))
    onMark(conversation.branchEpoch)
  }
}
