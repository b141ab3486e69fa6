import { factsOf } from '../conversation-facts.ts'
import type { DecodeContext, FileConversation, FileFormat, FileMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, objectOf, textOf } from '../json-fields.ts'
import type { TreeNode } from '../message-tree.ts'
import { storableBranches } from '../tree-branches.ts'
import { type ChatGptMessage, placeTools, type ToolPlacement } from './chatgpt-message.ts'
import { readTree } from './chatgpt-nodes.ts'

/**
 * What the external id of an imported one begins with. Not as of other files: an older export of ours holds one path
 * of it only, under other ids of the messages, and must not be taken for the tree that it came from.
 */
const EXTERNAL_ID_PREFIX = 'chatgpt:'

/** A conversation of ChatGPT's `conversations.json`, with all versions of its messages. */
export const CHATGPT: FileFormat = {
  name: 'ChatGPT',
  files: [
    'conversations.json, or its shards conversations-000.json and so on; also the folder or the zip',
    'of the whole export. All versions of every message; the path that it shows becomes the active one',
  ],
  matches,
  decode,
}

function matches(value: unknown): boolean {
  return isObject(value) && isObject(value.mapping) && !Array.isArray(value.messages)
}

function decode(value: unknown, context: DecodeContext): FileConversation {
  const record = objectOf(value)
  const { conversation_id, id, title, create_time: createdAt, update_time: updatedAt, is_archived } = record
  const tree = readTree(mappingOf(record), textOf(record.default_model_slug), context)
  const stored = storableBranches(tree, record.current_node, place, context)
  const given = { id: textOf(conversation_id) ?? id, title, createdAt, updatedAt, isArchived: is_archived === true }
  return { ...factsOf(EXTERNAL_ID_PREFIX, given, stored.branches, context.notes), ...stored, hasLastingIds: true }
}

function mappingOf({ mapping }: JsonObject): JsonObject {
  return objectOf(mapping)
}

function place(node: TreeNode<ChatGptMessage>): FileMessage {
  return placeTools(node.id, node.message, toolPlacement(node))
}

/** A model's message to a tool is a call where a tool speaks next on every path. */
function toolPlacement({ parent, message, children }: TreeNode<ChatGptMessage>): ToolPlacement {
  if (message.role === 'TOOL') {
    return parent && toolPlacement(parent).type === 'CALL' ? { type: 'RESULT', callId: parent.id } : { type: 'ALONE' }
  }
  const isCall = message.role === 'ASSISTANT' && message.tool !== undefined && children.length > 0
  return isCall && children.every((child) => child.message.role === 'TOOL') ? { type: 'CALL' } : { type: 'ALONE' }
}
