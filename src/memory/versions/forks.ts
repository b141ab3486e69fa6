import { BadUserInputError, ClientMessageIdConflictError, NotFoundError } from '../../errors.ts'
import { findReplayedDrafts } from '../append/replayed-drafts.ts'
import type { Branch, Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { createBranchId, placeOf } from '../ids.ts'
import { checkVersion } from '../input/limits.ts'
import type { Head, Message, MessageDraft, Role } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import { forkAt, isListed, MAX_BRANCHES, withFork } from './branches.ts'

/** A branch that is not made yet. */
export interface Fork {
  branch: Branch
  /** The message whose place its first one takes. */
  replaced: Message
  /** The branch that is active until then. */
  leftBranch: string
}

/** Where an append goes: behind a head on a branch. */
export interface ForkTurn {
  /** With a fork as it is to be when that is listed. */
  conversation: Conversation
  branch: string
  /** Absent where the branch is listed. */
  fork?: Fork
  head: Head
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

/** A branch in the place of a message, under an id of its own or the given one; there is a limit to their number. */
export function proposeFork(
  conversation: Conversation,
  replaced: Message,
  id: string = createBranchId(),
): { conversation: Conversation; fork: Fork } {
  const { length } = conversation.branches
  if (length >= MAX_BRANCHES) {
    throw new BadUserInputError('replaces', `in a conversation with less than ${MAX_BRANCHES} branches`, String(length))
  }
  const branch = forkAt(conversation, id, replaced)
  const { activeBranch: leftBranch } = conversation
  return { conversation: withFork(conversation, branch), fork: { branch, replaced, leftBranch } }
}

/**
 * What an append in the place of a message continues. One that was sent before, as far as its first message
 * at least, goes on with the branch that was made then, whether that is listed or not.
 */
export async function readForkTurn(
  history: Pick<History, 'findConversations' | 'findMessages' | 'findByIdempotencyKeys'>,
  ownerId: string,
  conversationId: string,
  { replaces, role, branch: given }: { replaces: string; role?: Role; branch?: string },
  first: MessageDraft | undefined,
): Promise<ForkTurn> {
  const [[conversation, replaced], replayed] = await Promise.all([
    readReplaced(history, ownerId, conversationId, replaces),
    first ? findReplayedDrafts(history, conversationId, [first]) : undefined,
  ])
  if (role) checkVersion('messages[0].role', role, replaced.role)
  const stored = first && replayed?.get(first)
  if (stored && (stored.sequence !== replaced.sequence || stored.tokenStart !== replaced.tokenStart)) {
    throw new ClientMessageIdConflictError(stored.clientMessageId ?? '', stored.id)
  }
  const branch = stored?.branch ?? given ?? createBranchId()
  const head = { sequence: replaced.sequence - 1, tokens: replaced.tokenStart }
  if (isListed(conversation, branch)) return { conversation, branch, head }
  return { ...proposeFork(conversation, replaced, branch), branch, head }
}

/** A switch that is done: the conversation since, and the branch that was left, unless another did it. */
export interface CommittedFork {
  conversation: Conversation
  leftBranch?: string
}

/**
 * Lists a branch whose first messages are stored, and makes it active (A3): against any number of other
 * switches, each of which costs a round. `onMark` sends the mark of a further attempt.
 */
export async function commitFork(
  history: Pick<History, 'findConversations' | 'switchBranch'>,
  proposal: { conversation: Conversation; fork: Fork },
  head: Head,
  onMark: (epoch: number) => void,
): Promise<CommittedFork> {
  for (let { conversation, fork } = proposal; ; ) {
    const { ownerId, id, branchEpoch: toEpoch } = conversation
    const { branch, replaced, leftBranch } = fork
    const change = { fromEpoch: toEpoch - 1, toEpoch, branch: branch.id, fork: { branch, head } }
    if (await history.switchBranch(ownerId, id, change)) return { conversation, leftBranch }
    const current = await findConversation(history, ownerId, id)
    // Another attempt at the same append, or an earlier one of ours whose answer was lost. What is acknowledged
    // here must be marked by us: the mark of who listed the branch may still be under way.
    if (isListed(current, branch.id)) {
      onMark(current.branchEpoch)
      return { conversation: current }
    }
    ;({ conversation, fork } = proposeFork(current, replaced, branch.id))
    onMark(conversation.branchEpoch)
  }
}
