import type { MessagePart, Role } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { factsOf } from '../conversation-facts.ts'
import type { DecodeContext, FileConversation, FileFormat, FileMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, listOf, objectOf, readJson, textOf, timeOf } from '../json-fields.ts'
import { type FileNode, linkTree, pruneTree } from '../message-tree.ts'
import type { Notes } from '../notes.ts'
import { storableBranches } from '../tree-branches.ts'

const EXTERNAL_ID_PREFIX = 'claude:'
const ROLES = new Map<unknown, Role>([
  ['human', 'USER'],
  ['assistant', 'ASSISTANT'],
])
/** The parent of a first message, which is none. */
const NOBODY = '00000000-0000-4000-8000-000000000000'
/** What Claude's page makes for itself. */
const PASSED_OVER: readonly unknown[] = ['token_budget', 'flag']

/** A conversation of Claude's `conversations.json`, with all versions of its messages. */
export const CLAUDE: FileFormat = {
  name: 'Claude',
  files: ['conversations.json, or the zip of the whole export, with all versions of every message'],
  matches,
  decode,
}

function matches(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.chat_messages)
}

function decode(value: unknown, context: DecodeContext): FileConversation {
  const record = objectOf(value)
  const { uuid: id, name: title, created_at: createdAt, updated_at: updatedAt } = record
  const nodes = readNodes(listOf(record.chat_messages), textOf(record.model), context.notes)
  const said = pruneTree(linkTree(nodes, context.notes), ({ message }) => message)
  const stored = storableBranches(said, record.current_leaf_message_uuid, ({ message }) => message, context)
  const facts = factsOf(EXTERNAL_ID_PREFIX, { id, title, createdAt, updatedAt }, stored.branches, context.notes)
  return { ...facts, ...stored, hasLastingIds: true }
}

/** Where a message does not say what it stands behind it is the one before; a message that is there twice counts once. */
function readNodes(
  values: readonly unknown[],
  model: string | undefined,
  notes: Notes,
): FileNode<FileMessage | undefined>[] {
  const nodes = new Map<string, FileNode<FileMessage | undefined>>()
  let before: string | undefined
  for (const [index, value] of values.entries()) {
    const message = objectOf(value)
    const place = `chat_messages[${index}]`
    const id = textOf(message.uuid) ?? `${index}`
    const given = message.parent_message_uuid
    const parent = given === undefined ? before : given === NOBODY ? undefined : textOf(given)
    if (nodes.has(id)) notes.change(place, 'a message that is there twice: the first one counts')
    else {
      const decoded = decodeMessage(place, message, model, notes)
      const fields = omitUndefined({ parent, time: decoded?.createdAt })
      nodes.set(id, { id, place, message: decoded, ...fields })
    }
    before = id
  }
  return [...nodes.values()]
}

function decodeMessage(
  place: string,
  message: JsonObject,
  model: string | undefined,
  notes: Notes,
): FileMessage | undefined {
  const role = ROLES.get(message.sender)
  if (role === undefined) {
    notes.loss(place, `a message whose sender is not one of ${[...ROLES.keys()].join(', ')}: left out`)
    return undefined
  }
  const blocks = listOf(message.content).flatMap((block) => decodeBlock(place, block, notes))
  const text = textOf(message.text)
  const said: MessagePart[] = blocks.length === 0 && text !== undefined ? [{ type: 'text', text }] : blocks
  const parts = [...said, ...filesOf(message)]
  if (parts.length === 0) return undefined
  const createdAt = timeOf(message.created_at)
  const status = message.stop_reason === 'user_canceled' || message.truncated === true ? 'INTERRUPTED' : 'COMPLETE'
  return omitUndefined({ role, status, parts, createdAt, model: role === 'ASSISTANT' ? model : undefined } as const)
}

function decodeBlock(place: string, value: unknown, notes: Notes): MessagePart[] {
  const block = objectOf(value)
  const { type, text, thinking, id, name, input, tool_use_id } = block
  if (PASSED_OVER.includes(type)) return []
  switch (type) {
    case 'text':
      return textOf(text) === undefined ? [] : [{ type, text: String(text) }]
    case 'thinking':
      return textOf(thinking) === undefined ? [] : [{ type: 'reasoning', text: String(thinking) }]
    case 'tool_use': {
      const toolName = textOf(name) ?? 'tool'
      return [
        { type: 'toolCall', toolCallId: textOf(id) ?? place, toolName, arguments: JSON.stringify(objectOf(input)) },
      ]
    }
    case 'tool_result': {
      const toolName = omitUndefined({ toolName: textOf(name) })
      const isError = block.is_error === true ? { isError: true } : {}
      const { output, others } = readOutput(block.content)
      return [
        { type: 'toolResult', toolCallId: textOf(tool_use_id) ?? place, ...toolName, output, ...isError },
        ...others,
      ]
    }
    default:
      notes.change(place, 'a block of a type that is not known: kept as data')
      return [{ type: 'data', name: textOf(type) ?? 'block', data: readJson(value) }]
  }
}

/** What a tool gave back: its texts, and beside them what is none. */
function readOutput(content: unknown): { output: string; others: MessagePart[] } {
  if (typeof content === 'string') return { output: content, others: [] }
  const items = listOf(content)
  const texts = items.flatMap((item) => textOf(objectOf(item).text) ?? [])
  const others = items.filter((item) => typeof objectOf(item).text !== 'string')
  const parts = others.map((item): MessagePart => ({ type: 'data', name: 'tool_result', data: readJson(item) }))
  return { output: texts.join('\n'), others: parts }
}

/** An attachment is what was read of a file; a file is its name alone. */
function filesOf({ attachments, files }: JsonObject): MessagePart[] {
  const named =
    (name: string) =>
    (data: unknown): MessagePart => ({ type: 'data', name, data: readJson(data) })
  return [...listOf(attachments).map(named('attachment')), ...listOf(files).map(named('file'))]
}
