import { BadUserInputError } from '../../errors.ts'
import { type JsonObject, optional, readList, readObject, readText, refuse } from '../json-fields.ts'
import { type ChatGptMessage, decodeChatGptMessage } from './chatgpt-message.ts'

/** A message of a ChatGPT export, among those that say something. */
export interface TreeMessage {
  /** The node's. */
  id: string
  place: string
  message: ChatGptMessage
  parent?: TreeMessage
  /** Oldest first. */
  children: TreeMessage[]
}

/** What is said in a ChatGPT export. */
export interface MessageTree {
  /** All versions of the first message, oldest first. */
  roots: TreeMessage[]
  /** The newest message of the path that is shown; undefined where nothing is said. */
  current?: TreeMessage
}

/** A node of the file. */
interface Node {
  id: string
  place: string
  parent: string | undefined
  children: Set<string>
  message: ChatGptMessage | undefined
}

const SHOWN_LENGTH = 64

/**
 * The tree in a `mapping`: nodes that say nothing are passed over, and what is below them hangs on the next
 * one above. Throws BadUserInputError for what is no tree, with the place. Nothing here is recursive: a
 * path is as deep as the conversation is long.
 */
export function readTree(mapping: JsonObject, currentNode: unknown): MessageTree {
  const nodes = readNodes(mapping)
  for (const node of nodes.values()) checkLinks(node, nodes)
  const { roots, nearest } = collectMessages(nodes)
  const astray = [...nodes.values()].find(({ id }) => !nearest.has(id))
  if (astray) throw new BadUserInputError(astray.place, 'below a node without a parent', 'a circle of nodes')
  const current = optional(readText, 'current_node', currentNode)
  if (current !== undefined && !nodes.has(current)) refuse('current_node', 'a node of the mapping', current)
  const shown = (current === undefined ? undefined : nearest.get(current)) ?? newestOf(roots)
  return { roots, ...(shown && { current: shown }) }
}

function readNodes(mapping: JsonObject): Map<string, Node> {
  const nodes = new Map<string, Node>()
  for (const [id, value] of Object.entries(mapping)) {
    const place = `mapping.${id.slice(0, SHOWN_LENGTH)}`
    const node = readObject(place, value)
    if (node.id != null && node.id !== id) refuse(`${place}.id`, JSON.stringify(id.slice(0, SHOWN_LENGTH)), node.id)
    const children = new Set<string>()
    for (const [index, given] of (optional(readList, `${place}.children`, node.children) ?? []).entries()) {
      const child = readText(`${place}.children[${index}]`, given)
      if (children.has(child)) refuse(`${place}.children[${index}]`, 'unlike the ones before it', child)
      children.add(child)
    }
    const parent = optional(readText, `${place}.parent`, node.parent)
    const message = optional(decodeChatGptMessage, `${place}.message`, node.message)
    nodes.set(id, { id, place, parent, children, message })
  }
  return nodes
}

/** Parents and children must name each other: then each node has one place at most. */
function checkLinks({ id, place, parent, children }: Node, nodes: ReadonlyMap<string, Node>): void {
  if (parent !== undefined && !nodes.get(parent)?.children.has(id)) {
    refuse(`${place}.parent`, 'a node with this one among its children', parent)
  }
  for (const child of children) {
    if (nodes.get(child)?.parent !== id) refuse(`${place}.children`, 'nodes whose parent is this one', child)
  }
}

/** `nearest` maps each node that was reached to the nearest one above that says something, itself included. */
function collectMessages(nodes: ReadonlyMap<string, Node>) {
  const roots: TreeMessage[] = []
  const nearest = new Map<string, TreeMessage | undefined>()
  const tops = [...nodes.values()].filter(({ parent }) => parent === undefined).reverse()
  const waiting = tops.map((node): { node: Node; above?: TreeMessage } => ({ node }))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, above } = next
    const { id, place, message } = node
    const isSaid = message !== undefined && saysSomething(message, above)
    const here = isSaid ? { id, place, message, children: [], ...(above && { parent: above }) } : above
    if (isSaid && here) (above?.children ?? roots).push(here)
    nearest.set(id, here)
    for (const child of [...node.children].reverse()) {
      const below = nodes.get(child)
      if (below) waiting.push({ node: below, ...(here && { above: here }) })
    }
  }
  return { roots, nearest }
}

/** A tool that printed nothing has answered all the same. */
function saysSomething({ role, parts }: ChatGptMessage, above: TreeMessage | undefined): boolean {
  return (
    parts.length > 0 || (role === 'TOOL' && above?.message.role === 'ASSISTANT' && above.message.tool !== undefined)
  )
}

function newestOf(roots: readonly TreeMessage[]): TreeMessage | undefined {
  let newest = roots.at(-1)
  for (let next = newest; next !== undefined; next = next.children.at(-1)) newest = next
  return newest
}
