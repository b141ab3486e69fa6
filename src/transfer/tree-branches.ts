import { MAX_BRANCHES } from '../memory/versions/branches.ts'
import type { DecodeContext, FileBranch, FileConversation, FileMessage, PlacedMessage } from './file-conversation.ts'
import { type MessageTree, newestEnd, pruneTree, type TreeNode } from './message-tree.ts'
import type { Notes } from './notes.ts'
import { repairMessage } from './repair-message.ts'

interface Drawing {
  branches: DrawnBranch[]
  branchOf: ReadonlyMap<TreeNode<FileMessage>, DrawnBranch>
}

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
 * The branches that a tree is stored in. Of more than a conversation can have the path that is shown is kept, and those
 * that stand first.
 */
function branchesOf(
  { nodes }: MessageTree<FileMessage>,
  current: TreeNode<FileMessage> | undefined,
  notes: Notes,
): FileBranch[] {
  const asInFile = drawBranches(nodes)
  const isTooLong = shownBranches(asInFile, current).size > MAX_BRANCHES + 1
  if (isTooLong) {
    notes.change(current?.place ?? '', `a path over more than ${MAX_BRANCHES} versions: they stand before all others`)
  }
  const drawing = isTooLong ? drawBranches(nodes, new Set(pathTo(current))) : asInFile
  const shown = shownBranches(drawing, current)
  const kept = keepMost(drawing, shown)
  for (const { nodes: left } of drawing.branches.filter((branch) => !kept.has(branch))) {
    for (const { place } of left) notes.loss(place, `in a tree of over ${MAX_BRANCHES} versions: left out`)
  }
  return drawing.branches.filter((branch) => kept.has(branch)).map((branch) => toFileBranch(branch, shown.has(branch)))
}

/**
 * The first child goes on with its parent's branch, each further one begins a branch of its own; a `preferred` one is
 * the first.
 */
function drawBranches(
  nodes: readonly TreeNode<FileMessage>[],
  preferred: ReadonlySet<TreeNode<FileMessage>> = new Set(),
): Drawing {
  const drawn: DrawnBranch[] = []
  const branchOf = new Map<TreeNode<FileMessage>, DrawnBranch>()
  const inOrder = (versions: readonly TreeNode<FileMessage>[]) =>
    preferred.size === 0
      ? versions
      : versions.toSorted((one, other) => Number(preferred.has(other)) - Number(preferred.has(one)))
  const tops = inOrder(nodes.filter(({ parent }) => parent === undefined))
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
      const children = inOrder(node.children)
      if (children[0]) branch.nodes.push(children[0])
      begin(children)
    }
  }
  return { branches: drawn, branchOf }
}

function* pathTo(current: TreeNode<FileMessage> | undefined): Generator<TreeNode<FileMessage>> {
  for (let node = current; node !== undefined; node = node.parent) yield node
}

/** Those that the path crosses, and the root, in whose place others may begin. */
function shownBranches(
  { branches, branchOf }: Drawing,
  current: TreeNode<FileMessage> | undefined,
): ReadonlySet<DrawnBranch> {
  const crossed = [...pathTo(current)].flatMap((node) => branchOf.get(node) ?? [])
  return new Set([...branches.slice(0, 1), ...crossed])
}

/** Each branch needs the one that it begins in, which stands before it. */
function keepMost({ branches, branchOf }: Drawing, shown: ReadonlySet<DrawnBranch>): ReadonlySet<DrawnBranch> {
  if (branches.length <= MAX_BRANCHES + 1) return new Set(branches)
  const kept = new Set(shown)
  for (const branch of branches) {
    const parent = branch.nodes[0]?.parent
    const hasParent = parent === undefined || kept.has(branchOf.get(parent) ?? branch)
    if (kept.size <= MAX_BRANCHES && hasParent) kept.add(branch)
  }
  return kept
}

function toFileBranch({ nodes, replaces }: DrawnBranch, isShown: boolean): FileBranch {
  const { parent, outside } = nodes[0] ?? {}
  const behind = parent?.id
  return {
    ...(outside !== undefined && { outside }),
    ...(behind !== undefined && { behind }),
    ...(replaces && { replaces: replaces.id }),
    ...(isShown && { isShown }),
    messages: nodes.map(({ id, place, message }): PlacedMessage => ({ id, place, message })),
  }
}
