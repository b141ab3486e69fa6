import type { MessagePart, Role } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { factsOf } from '../conversation-facts.ts'
import type { DecodeContext, FileConversation, FileFormat, FileMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, listOf, objectOf, textOf, timeOf } from '../json-fields.ts'
import { type FileNode, linkTree, pruneTree } from '../message-tree.ts'
import type { Notes } from '../notes.ts'
import { decodeContent } from '../openai/openai-content.ts'
import { storableBranches } from '../tree-branches.ts'
import { readDetails } from './open-webui-details.ts'
import { decodeOutput } from './open-webui-output.ts'

const EXTERNAL_ID_PREFIX = 'open-webui:'
const ROLES = new Map<unknown, Role>([
  ['system', 'SYSTEM'],
  ['user', 'USER'],
  ['assistant', 'ASSISTANT'],
])
const SHOWN_LENGTH = 64

/** A chat of Open WebUI's export, with all versions of its messages. */
export const OPEN_WEBUI: FileFormat = {
  name: 'Open WebUI',
  files: ['its export of chats. All versions of every message; the path that it shows becomes the active one'],
  matches,
  decode,
}

function matches(value: unknown): boolean {
  return isObject(value) && isObject(value.chat)
}

function decode(value: unknown, context: DecodeContext): FileConversation {
  const { id, title, archived, created_at: createdAt, updated_at: updatedAt, chat: given } = objectOf(value)
  const chat = objectOf(given)
  const history = objectOf(chat.history)
  const nodes = isObject(history.messages)
    ? Object.entries(history.messages).map(([key, node]) => readNode(key, objectOf(node), context.notes))
    : readList(listOf(chat.messages), context.notes)
  const said = pruneTree(linkTree(nodes, context.notes), ({ message }) => message)
  const stored = storableBranches(said, history.currentId, ({ message }) => message, context)
  const facts = { id: id ?? chat.id, title: textOf(title) ?? chat.title, createdAt, updatedAt }
  return {
    ...factsOf(EXTERNAL_ID_PREFIX, { ...facts, isArchived: archived === true }, stored.branches, context.notes),
    ...stored,
    hasLastingIds: true,
  }
}

function readNode(id: string, node: JsonObject, notes: Notes): FileNode<FileMessage | undefined> {
  const place = `messages.${id.slice(0, SHOWN_LENGTH)}`
  const children = listOf(node.childrenIds).filter((child) => typeof child === 'string')
  const message = decodeMessage(place, node, notes)
  return { id, place, children, message, ...omitUndefined({ parent: textOf(node.parentId), time: message?.createdAt }) }
}

/** Older chats have their path alone. */
function readList(messages: readonly unknown[], notes: Notes): FileNode<FileMessage | undefined>[] {
  return messages.map((value, index) => {
    const message = decodeMessage(`messages[${index}]`, objectOf(value), notes)
    const behind = index > 0 ? { parent: `${index - 1}` } : {}
    return { id: `${index}`, place: `messages[${index}]`, message, ...behind }
  })
}

function decodeMessage(place: string, node: JsonObject, notes: Notes): FileMessage | undefined {
  const role = ROLES.get(node.role)
  if (role === undefined) {
    notes.loss(place, `a message whose role is not one of ${[...ROLES.keys()].join(', ')}: left out`)
    return undefined
  }
  const parts = [...partsOf(role, node, place, notes), ...filesOf(node, place, notes)]
  if (parts.length === 0) return undefined
  const status = role === 'ASSISTANT' && node.done === false ? 'INTERRUPTED' : 'COMPLETE'
  const model = role === 'ASSISTANT' ? textOf(node.model) : undefined
  return omitUndefined({ role, status, parts, createdAt: timeOf(node.timestamp), model } as const)
}

function partsOf(role: Role, { output, content }: JsonObject, place: string, notes: Notes): MessagePart[] {
  const said = listOf(output).flatMap((item) => decodeOutput(place, item, notes))
  if (said.length > 0) return said
  if (typeof content !== 'string') return decodeContent(place, content, notes)
  if (role === 'ASSISTANT') return readDetails(content)
  return content === '' ? [] : [{ type: 'text', text: content }]
}

/** By their web address, or as data that names them. */
function filesOf({ files }: JsonObject, place: string, notes: Notes): MessagePart[] {
  return listOf(files).flatMap((value): MessagePart[] => {
    const { type, url, name, id } = objectOf(value)
    if (type === 'image' || (typeof url === 'string' && /^https?:/.test(url))) {
      const filename = omitUndefined({ filename: textOf(name) })
      const mediaType = type === 'image' ? 'image/*' : 'application/octet-stream'
      // One without a web address becomes data where messages are made storable.
      return [{ type: 'file', url: String(url), mediaType, ...filename }]
    }
    const named = omitUndefined({ type: textOf(type), name: textOf(name), id: textOf(id) })
    notes.change(place, 'a file without a web address: kept as data that names it, without what it holds')
    return [{ type: 'data', name: 'file', data: named }]
  })
}
