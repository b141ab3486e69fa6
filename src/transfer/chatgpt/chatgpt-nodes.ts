import type { DecodeContext } from '../file-conversation.ts'
import { isObject, type JsonObject, listOf, textOf } from '../json-fields.ts'
import { type FileNode, linkTree, type MessageTree, pruneTree, type TreeNode } from '../message-tree.ts'
import { type ChatGptMessage, decodeChatGptMessage } from './chatgpt-message.ts'

const SHOWN_LENGTH = 64

/** What is said in a `mapping`, as a tree: what hangs below nodes that say nothing hangs on the next one above. */
export function readTree(
  mapping: JsonObject,
  model: string | undefined,
  context: DecodeContext,
): MessageTree<ChatGptMessage> {
  const nodes = Object.entries(mapping).flatMap(([id, value]) => readNode(id, value, model, context))
  return pruneTree(linkTree(nodes, context.notes), ({ message }, parent) =>
    message !== undefined && saysSomething(message, parent) ? message : undefined,
  )
}

function readNode(
  id: string,
  value: unknown,
  model: string | undefined,
  { notes }: DecodeContext,
): FileNode<ChatGptMessage | undefined>[] {
  const place = `mapping.${id.slice(0, SHOWN_LENGTH)}`
  if (!isObject(value)) {
    notes.loss(place, 'a node that is no object: left out')
    return []
  }
  const children = listOf(value.children).filter((child) => typeof child === 'string')
  const parent = textOf(value.parent)
  const message = value.message == null ? undefined : decodeChatGptMessage(place, value.message, model, notes)
  const time = message?.createdAt
  return [
    { id, place, children, message, ...(parent !== undefined && { parent }), ...(time !== undefined && { time }) },
  ]
}

/** A tool that printed nothing has answered all the same. */
function saysSomething({ role, parts }: ChatGptMessage, above: TreeNode<ChatGptMessage> | undefined): boolean {
  return (
    parts.length > 0 || (role === 'TOOL' && above?.message.role === 'ASSISTANT' && above.message.tool !== undefined)
  )
}
