import { MAX_BRANCHES } from '../memory/versions/branches.ts'
import type { DecodeContext, FileBranch, FileConversation, FileMessage, PlacedMessage } from './file-conversation.ts'
import { type MessageTree, newestEnd, pruneTree, type TreeNode } from './message-tree.ts'
import type { Notes } from './notes.ts'
import { repairMessage } from './repair-message.ts'

interface DrawnBranch {
  nodes: TreeNode<FileMessage>[]
  replaces?: TreeNode<FileMessage>
}

/**
 * What is stored of a tree, each message as it can be; `decode` makes one of what stands in the tree. The path through
 * `current` is to be active or, where that is not there, the newest one.
 */
export function storableBranches<Said>(
  tree: MessageTree<Said>,
  current: unknown,
  decode: (node: TreeNode<Said>) => FileMessage | undefined,
  { notes, limits }: DecodeContext,
): Pick<FileConversation, 'branches' | 'selectedIds' | 'shownId'> {
  const stored = pruneTree(tree, (node) => {
    const message = decode(node)
    return message && repairMessage(message, node.place, notes, limits)
  })
  const shown = typeof current === 'string' ? stored.nearest.get(current) : undefined
  const selected = shown ?? newestEnd(stored)
  const branches = branchesOf(stored, selected, notes)
  const selectedIds = selected && branches.length > 1 ? [selected.id] : []
  const isPart = branches.some(({ outside }) => outside !== undefined)
  const isElsewhere = shown === undefined && isPart && typeof current === 'string'
  const shownId = isElsewhere ? current : selected?.id
  return { branches, selectedIds, ...(shownId !== undefined && { shownId }) }
}

/**
 * The branches that a tree is stored in: the first child goes on with its parent's branch, each further one begins a
 * branch of its own. Of more than a conversation can have the path that is shown is kept, and those that stand first.
 */
function branchesOf(
  { nodes }: MessageTree<FileMessage>,
  current: TreeNode<FileMessage> | undefined,
  notes: Notes,
): FileBranch[] {
  const drawn: DrawnBranch[] = []
  const branchOf = new Map<TreeNode<FileMessage>, DrawnBranch>()
  const tops = nodes.filter(({ parent }) => parent === undefined)
  const begin = (versions: readonly TreeNode<FileMessage>[]) => {
    const [original, ...others] = versions
    for (const node of others) drawn.push({ nodes: [node], ...(original && { replaces: original }) })
  }
  if (tops[0]) drawn.push({ nodes: [tops[0]] })
  begin(tops)
  // The list grows meanwhile: what a branch begins in stands before it, and older versions come first.
  for (const branch of drawn) {
    for (const node of branch.nodes) {
      branchOf.set(node, branch)
      if (node.children[0]) branch.nodes.push(node.children[0])
      begin(node.children)
    }
  }
  const isKept = keepMost(drawn, branchOf, current)
  for (const { nodes } of drawn.filter((branch) => !isKept.has(branch))) {
    for (const { place } of nodes) notes.loss(place, `in a tree of over ${MAX_BRANCHES} versions: left out`)
  }
  return drawn.filter((branch) => isKept.has(branch)).map(toFileBranch)
}

/** Each branch needs the one that it begins in, which stands before it. */
function keepMost(
  drawn: readonly DrawnBranch[],
  branchOf: ReadonlyMap<TreeNode<FileMessage>, DrawnBranch>,
  current: TreeNode<FileMessage> | undefined,
): Set<DrawnBranch> {
  if (drawn.length <= MAX_BRANCHES + 1) return new Set(drawn)
  const parentOf = ({ nodes: [first] }: DrawnBranch) => first?.parent && branchOf.get(first.parent)
  const kept = new Set(drawn.slice(0, 1))
  for (let branch = current && branchOf.get(current); branch !== undefined; branch = parentOf(branch)) kept.add(branch)
  for (const branch of drawn) {
    const parent = parentOf(branch)
    if (kept.size <= MAX_BRANCHES && (parent === undefined || kept.has(parent))) kept.add(branch)
  }
  return kept
}

function toFileBranch({ nodes, replaces }: DrawnBranch): FileBranch {
  const { parent, outside } = nodes[0] ?? {}
  const behind = parent?.id
  return {
    ...(outside !== undefined && { outside }),
    ...(behind !== undefined && { behind }),
    ...(replaces && { replaces: replaces.id }),
    messages: nodes.map(({ id, place, message }): PlacedMessage => ({ id, place, message })),
  }
}
