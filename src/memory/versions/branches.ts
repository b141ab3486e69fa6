import { ConversationUnreadableError } from '../../errors.ts'
import { ownValue } from '../../own-value.ts'
import { type Branch, type Conversation, ROOT_BRANCH } from '../conversation.ts'
import { type MessagePlace, messageId } from '../ids.ts'
import type { Message } from '../message.ts'

/** A conversation has at most so many branches besides the root. */
export const MAX_BRANCHES = 1_000

/** The segment of a path that lies on one branch: its messages from a position up to, and without, another. */
export interface Segment {
  branch: string
  fromSequence: number
  fromTokens: number
  /** Infinite at the end of the path. */
  belowSequence: number
  belowTokens: number
}

/** The branches of a conversation; the walk of the active one's path proves that it is listed. */
type Tree = Pick<Conversation, 'id' | 'branches'> & { activeBranch?: string }

/**
 * The path that ends on a branch, newest segment first. A branch that is not listed has no path. Throws
 * ConversationUnreadableError where the list cannot be what was written: each branch begins behind its parent, so the
 * walk ends.
 */
export function pathSegments(tree: Tree, endBranch: string): Segment[] {
  const listed = listBranches(tree)
  const segments: Segment[] = []
  let below = { belowSequence: Number.POSITIVE_INFINITY, belowTokens: Number.POSITIVE_INFINITY }
  for (let id = endBranch; ; ) {
    const branch = listed.get(id)
    if (branch === undefined && id !== ROOT_BRANCH) return segments
    const { atSequence: fromSequence, tokenStart: fromTokens } = branch ?? ROOT_PLACE
    // The root has no segment where its first message was replaced.
    if (fromSequence < below.belowSequence) segments.push({ branch: id, fromSequence, fromTokens, ...below })
    if (branch === undefined) return segments
    below = { belowSequence: fromSequence, belowTokens: fromTokens }
    id = branch.parent
  }
}

/** The branches by their ids, or ConversationUnreadableError. */
function listBranches({ id: conversationId, branches, activeBranch = ROOT_BRANCH }: Tree): Map<string, Branch> {
  const listed = new Map(branches.map((branch) => [branch.id, branch]))
  const reason =
    (listed.size < branches.length || listed.has(ROOT_BRANCH) ? 'a branch is listed twice' : undefined) ??
    (activeBranch === ROOT_BRANCH || listed.has(activeBranch) ? undefined : 'the active branch is not listed') ??
    branches.map((branch) => placeFault(branch, listed)).find((fault) => fault !== undefined)
  if (reason !== undefined) throw new ConversationUnreadableError(conversationId, reason)
  return listed
}

/** What is wrong with the place of a branch; one of the root may begin where that does. */
function placeFault({ parent, atSequence, tokenStart }: Branch, listed: Map<string, Branch>): string | undefined {
  if (!Number.isSafeInteger(atSequence) || !Number.isSafeInteger(tokenStart)) return 'a branch begins nowhere'
  const before = parent === ROOT_BRANCH ? { atSequence: 0, tokenStart: 0 } : listed.get(parent)
  if (before === undefined) return 'the parent of a branch is not listed'
  return atSequence > before.atSequence && tokenStart >= before.tokenStart
    ? undefined
    : 'a branch begins before its parent'
}

const ROOT_PLACE = { atSequence: 1, tokenStart: 0 }

/** Returns the ids of all versions of the message at a place, itself included, oldest first. */
export type VersionIndex = (place: MessagePlace) => string[]

/** The versions at all places of a conversation; those of one place are made once. */
export function createVersionIndex({ branches }: Pick<Tree, 'branches'>): VersionIndex {
  const listed = new Map(branches.map((branch) => [branch.id, branch]))
  const siblings = Map.groupBy(branches, ({ parent, atSequence }) => placeKey(parent, atSequence))
  const lists = new Map<string, string[]>()

  return function versionsAt({ conversationId, branch, sequence }) {
    const own = listed.get(branch)
    // A branch that is not listed yet is known by its own message alone.
    const parent = own?.atSequence === sequence ? own.parent : branch
    const key = placeKey(parent, sequence)
    let ids = lists.get(key)
    if (ids === undefined) {
      const others = siblings.get(key) ?? []
      ids = [parent, ...others.map(({ id }) => id)].map((id) => messageId(conversationId, id, sequence))
      lists.set(key, ids)
    }
    return ids
  }
}

/** The versions at one place. */
export function versionsAt(tree: Pick<Tree, 'branches'>, place: MessagePlace): string[] {
  return createVersionIndex(tree)(place)
}

function placeKey(branch: string, sequence: number): string {
  return `${branch} ${sequence}`
}

/** The branch that replaces the message at a place: a sibling where that is a branch's first own one. */
export function branchAt(
  { branches }: Pick<Tree, 'branches'>,
  id: string,
  { branch, sequence, tokenStart }: Message,
): Branch {
  return { id, parent: parentAt({ branches }, branch, sequence), atSequence: sequence, tokenStart }
}

/** The conversation as it is to be: with a branch that begins empty, and is active. */
export function withBranch(conversation: Conversation, branch: Branch): Conversation {
  const { branches, heads, selectedEpochs } = conversation
  const branchEpoch = conversation.branchEpoch + 1
  return {
    ...conversation,
    branches: [...branches, branch],
    activeBranch: branch.id,
    branchEpoch,
    selectedEpochs: { ...selectedEpochs, [branch.id]: branchEpoch },
    heads: { ...heads, [branch.id]: { sequence: branch.atSequence - 1, tokens: branch.tokenStart } },
  }
}

/** Whether the path of a branch can be read: the root's always can. */
export function isListed({ branches }: Pick<Tree, 'branches'>, branch: string): boolean {
  return branch === ROOT_BRANCH || branches.some(({ id }) => id === branch)
}

/** Whether a place is on the path that ends on a branch. */
export function isOnPath(
  tree: Tree,
  endBranch: string,
  { branch, sequence }: Omit<MessagePlace, 'conversationId'>,
): boolean {
  const segment = pathSegments(tree, endBranch).find((each) => each.branch === branch)
  return segment !== undefined && sequence >= segment.fromSequence && sequence < segment.belowSequence
}

/** Of all branches whose path leads through a place the one that was active last; undefined where none does. */
export function lastUsedBranch(
  { branches, activeBranch, selectedEpochs }: Conversation,
  { branch, sequence }: Omit<MessagePlace, 'conversationId'>,
): string | undefined {
  if (!isListed({ branches }, branch)) return undefined
  const through = new Set([branch])
  // Parents are listed before their children.
  for (const { id, parent, atSequence } of branches) {
    if (parent === branch ? atSequence > sequence : through.has(parent)) through.add(id)
  }
  if (through.has(activeBranch)) return activeBranch
  const epochOf = (id: string) => ownValue(selectedEpochs, id) ?? 0
  return [...through].reduce((last, id) => (epochOf(id) > epochOf(last) ? id : last))
}

/** Where the path to one branch leaves that to another: the place of its first message that the other lacks. */
export function divergence(
  tree: Tree,
  fromBranch: string,
  toBranch: string,
): Omit<MessagePlace, 'conversationId'> | undefined {
  const from = pathSegments(tree, fromBranch).reverse()
  for (const [index, { branch, fromSequence, belowSequence }] of pathSegments(tree, toBranch).reverse().entries()) {
    const shared = from[index]
    if (shared?.branch !== branch) return { branch, sequence: fromSequence }
    if (shared.belowSequence < belowSequence) return { branch, sequence: shared.belowSequence }
  }
  return undefined
}

function parentAt({ branches }: Pick<Tree, 'branches'>, branch: string, sequence: number): string {
  const own = branches.find(({ id }) => id === branch)
  return own !== undefined && own.atSequence === sequence ? own.parent : branch
}
