import { createHash } from 'node:crypto'
import { BadUserInputError } from '../../errors.ts'
import { MAX_BRANCHES } from '../../memory/versions/branches.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { FileBranch, FileConversation, PlacedMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, optional, readText, readTime } from '../json-fields.ts'
import { placeTools, type ToolPlacement } from './chatgpt-message.ts'
import { readTree, type TreeMessage } from './chatgpt-tree.ts'

/**
 * What the external id of an imported one begins with. Not as of other files: an export holds one path only,
 * under other ids of the messages, and must not be taken for the tree that it came from.
 */
const EXTERNAL_ID_PREFIX = 'chatgpt:'

/** Whether it is a conversation of a ChatGPT export. */
export function isChatGptConversation(value: unknown): value is JsonObject & { mapping: JsonObject } {
  return isObject(value) && isObject(value.mapping) && !Array.isArray(value.messages)
}

/**
 * A conversation of ChatGPT's `conversations.json` with all versions of its messages. Fields that are not
 * known are ignored. Throws BadUserInputError with the field for what is no such tree.
 */
export function decodeChatGptConversation(record: JsonObject & { mapping: JsonObject }): FileConversation {
  const { roots, current } = readTree(record.mapping, record.current_node)
  const branches = branchesOf(roots)
  const given = optional(readText, 'conversation_id', record.conversation_id) ?? optional(readText, 'id', record.id)
  const id = given ?? createHash('sha256').update(JSON.stringify(branches)).digest('hex')
  const archivedAt = record.is_archived === true ? record.update_time : undefined
  return omitUndefined({
    id,
    isNamed: given !== undefined,
    externalId: `${EXTERNAL_ID_PREFIX}${id}`,
    settings: omitUndefined({ title: optional(readText, 'title', record.title) }),
    archivedAt: optional(readTime, 'update_time', archivedAt),
    branches,
    selectedId: current?.id,
  })
}

/** The first child goes on with its parent's branch, each further one begins a branch of its own. */
function branchesOf(roots: readonly TreeMessage[]): FileBranch[] {
  const begins: { replaces?: string; nodes: TreeMessage[] }[] = []
  const addVersions = ([original, ...others]: readonly TreeMessage[]) => {
    for (const node of others) begins.push({ ...(original && { replaces: original.id }), nodes: [node] })
  }
  if (roots[0]) begins.push({ nodes: [roots[0]] })
  addVersions(roots)
  // The list grows meanwhile: what a branch replaces stands in one before it, and older versions come first.
  for (const { nodes } of begins) {
    for (const { children } of nodes) {
      if (children[0]) nodes.push(children[0])
      addVersions(children)
    }
  }
  const made = begins.length - 1
  if (made > MAX_BRANCHES) {
    throw new BadUserInputError('mapping', `a tree of at most ${MAX_BRANCHES} branches besides the first`, String(made))
  }
  return begins.map(({ nodes, ...begin }) => ({ ...begin, messages: nodes.map(place) }))
}

function place(node: TreeMessage): PlacedMessage {
  const { id, message } = node
  return { id, place: node.place, message: placeTools(id, message, toolPlacement(node)) }
}

/** A model's message to a tool is a call where a tool speaks next on every path. */
function toolPlacement({ parent, message, children }: TreeMessage): ToolPlacement {
  if (message.role === 'TOOL') {
    return parent && toolPlacement(parent).type === 'CALL' ? { type: 'RESULT', callId: parent.id } : { type: 'ALONE' }
  }
  const isCall = message.role === 'ASSISTANT' && message.tool !== undefined && children.length > 0
  return isCall && children.every((child) => child.message.role === 'TOOL') ? { type: 'CALL' } : { type: 'ALONE' }
}
