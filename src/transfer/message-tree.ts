import type { Notes } from './notes.ts'

/** A message among those that stand before and behind it. */
export interface TreeNode<Message> {
  id: string
  place: string
  /** Epoch milliseconds. */
  time?: number
  parent?: TreeNode<Message>
  /** At the top: the id of a parent that is not in the file, and may be in another one. */
  outside?: string
  children: TreeNode<Message>[]
  message: Message
}

/** All messages of a conversation, with their versions. */
export interface MessageTree<Message> {
  /** Parents before their children; versions of one message in their order. */
  nodes: TreeNode<Message>[]
  /** By the id of each node of the file: itself, or the nearest one above that is in the tree. */
  nearest: ReadonlyMap<string, TreeNode<Message> | undefined>
}

/** A node as a file has it. */
export interface FileNode<Message> {
  id: string
  place: string
  time?: number
  parent?: string
  /** What is known of its children beside their own word. */
  children?: readonly string[]
  message: Message
}

/**
 * The tree that nodes of a file make. A node's own `parent` counts, and where it has none that is there, the first one
 * that names it as its child; without either it stands at the top. A circle is cut above the one that the file has
 * first. What does not fit is noted. Nothing here is recursive: a path is as deep as the conversation is long.
 */
export function linkTree<Message>(nodes: readonly FileNode<Message>[], notes: Notes): MessageTree<Message> {
  const parents = findParents(nodes, notes)
  cutCircles(nodes, parents, notes)
  const linked = new Map(nodes.map(({ id, place, time, message }) => [id, newNode({ id, place, time, message })]))
  const order = new Map<string, number>()
  for (const { children = [] } of nodes) for (const child of children) order.set(child, order.get(child) ?? order.size)
  const rank = ({ id }: { id: string }) => order.get(id) ?? order.size
  const tops: TreeNode<Message>[] = []
  for (const { id, parent: outside } of nodes.toSorted((one, other) => rank(one) - rank(other))) {
    const node = linked.get(id)
    const parent = linked.get(parents.get(id) ?? '')
    if (node === undefined) continue
    if (parent) node.parent = parent
    else if (outside !== undefined && !linked.has(outside)) node.outside = outside
    const siblings = parent?.children ?? tops
    siblings.push(node)
  }
  return { nodes: listNodes(tops), nearest: linked }
}

/**
 * The tree without what `keep` gives nothing for: what is below hangs on the next one above. It sees parents before
 * their children. Versions are in the order of their times, where all have one.
 */
export function pruneTree<From, To>(
  tree: MessageTree<From>,
  keep: (node: TreeNode<From>, parent: TreeNode<To> | undefined) => To | undefined,
): MessageTree<To> {
  const kept = new Map<TreeNode<From>, TreeNode<To> | undefined>()
  const outside = new Map<TreeNode<From>, string>()
  const tops: TreeNode<To>[] = []
  for (const node of tree.nodes) {
    const { id, place, time } = node
    const parent = node.parent && kept.get(node.parent)
    const message = keep(node, parent)
    const here = message === undefined ? parent : newNode({ id, place, time, message, parent })
    const above = node.outside ?? (node.parent && outside.get(node.parent))
    if (above !== undefined && parent === undefined) {
      outside.set(node, above)
      if (here) here.outside = above
    }
    kept.set(node, here)
    if (here && here !== parent) (parent?.children ?? tops).push(here)
  }
  sortVersions(tops)
  for (const node of kept.values()) if (node) sortVersions(node.children)
  const nearest = new Map([...tree.nearest].map(([id, node]) => [id, node && kept.get(node)]))
  return { nodes: listNodes(tops), nearest }
}

/** The end that was written last; of several the one that stands last. */
export function newestEnd<Message>({ nodes }: MessageTree<Message>): TreeNode<Message> | undefined {
  // Without a time of its own it came when the one above it did.
  const times = new Map<unknown, number>([[undefined, Number.NEGATIVE_INFINITY]])
  const timeOf = (node: TreeNode<Message> | undefined) => times.get(node) ?? Number.NEGATIVE_INFINITY
  let newest: TreeNode<Message> | undefined
  for (const node of nodes) {
    times.set(node, node.time ?? timeOf(node.parent))
    if (node.children.length === 0 && !(timeOf(node) < timeOf(newest))) newest = node
  }
  return newest
}

function newNode<Message>({
  time,
  parent,
  ...node
}: Pick<TreeNode<Message>, 'id' | 'place' | 'message'> & {
  time: number | undefined
  parent?: TreeNode<Message> | undefined
}): TreeNode<Message> {
  return { ...node, ...(time !== undefined && { time }), ...(parent && { parent }), children: [] }
}

function findParents<Message>(nodes: readonly FileNode<Message>[], notes: Notes): Map<string, string | undefined> {
  const ids = new Set(nodes.map(({ id }) => id))
  const namedBy = new Map<string, string[]>()
  for (const { id, place, children = [] } of nodes) {
    for (const child of new Set(children)) {
      const named = namedBy.get(child) ?? []
      if (ids.has(child)) namedBy.set(child, named).get(child)?.push(id)
      else notes.change(place, 'children that are not in the file: passed over')
    }
  }
  return new Map(
    nodes.map(({ id, place, parent }) => {
      const others = (namedBy.get(id) ?? []).filter((other) => other !== id)
      if (parent !== undefined && parent !== id && ids.has(parent)) {
        const isContradicted = others.some((other) => other !== parent)
        if (isContradicted) notes.change(place, 'a child of two messages: its own parent counts')
        return [id, parent]
      }
      if (parent !== undefined && others.length === 0) {
        notes.change(place, 'a parent that is not in the file: what is below stands at the beginning')
      }
      return [id, others[0]]
    }),
  )
}

/** Walks up from each node; one that meets its own walk is in a circle. */
function cutCircles<Message>(
  nodes: readonly FileNode<Message>[],
  parents: Map<string, string | undefined>,
  notes: Notes,
): void {
  const order = new Map(nodes.map(({ id }, index) => [id, index]))
  const walkOf = new Map<string, string>()
  for (const { id: start } of nodes) {
    let at: string | undefined = start
    while (at !== undefined && !walkOf.has(at)) {
      walkOf.set(at, start)
      at = parents.get(at)
    }
    if (at === undefined || walkOf.get(at) !== start) continue
    let first = at
    for (let id = parents.get(at); id !== undefined && id !== at; id = parents.get(id)) {
      if ((order.get(id) ?? 0) < (order.get(first) ?? 0)) first = id
    }
    parents.set(first, undefined)
    notes.change(
      nodes[order.get(first) ?? 0]?.place ?? '',
      'a circle of messages, each below the other: cut above this one',
    )
  }
}

/** Depth first. */
function listNodes<Message>(tops: readonly TreeNode<Message>[]): TreeNode<Message>[] {
  const listed: TreeNode<Message>[] = []
  const waiting = tops.toReversed()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    listed.push(next)
    for (const child of next.children.toReversed()) waiting.push(child)
  }
  return listed
}

function sortVersions(versions: TreeNode<unknown>[]): void {
  if (versions.every(({ time }) => time !== undefined))
    versions.sort((one, other) => (one.time ?? 0) - (other.time ?? 0))
}
