import { type Conversation, ROOT_BRANCH } from '../../memory/conversation.ts'
import { isConversationId, messageId, placeOf } from '../../memory/ids.ts'
import { type Message, MIN_MESSAGE_TOKENS } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type {
  DecodeContext,
  FileBranch,
  FileConversation,
  FileFormat,
  OwnMessage,
  PlacedMessage,
} from '../file-conversation.ts'
import { isObject, type JsonObject, listOf, objectOf, optional, readText, readTime, textOf } from '../json-fields.ts'
import { decodeMessage, decodeOwnFields, encodeMessage, OWN_FIELD } from '../openai/openai-message.ts'
import { repairOwnMessage } from '../repair-message.ts'
import { restoreSelections, selectionsOf } from './branch-selections.ts'

/** Of what is written; what is read without it is of the time before there was one, and holds one path. */
const VERSION = 2
/** A reply may be larger than what is sent. */
const MAX_OWN_MESSAGE_BYTES = 16_000_000
const MAX_REDACTED_TOKENS = 100_000_000

/**
 * A conversation as the export writes it: its active path as chat completions APIs take it, the messages of other
 * versions under `otherVersions`, and all that the format has no place for under `backscroll`.
 */
export const BACKSCROLL: FileFormat = {
  name: 'Backscroll',
  files: ['what the export wrote, with everything: ids, dates, all versions, redactions'],
  matches,
  decode,
}

/** The fields that stand before the `messages`. */
export function encodeConversation(conversation: Conversation): JsonObject {
  const { id, title, createdAt, branches, archivedAt, expiresAt, lastMessageAt } = conversation
  const { externalId, model, instructions, encoding, metadata } = conversation
  const time = (value: number | undefined) => (value === undefined ? undefined : new Date(value).toISOString())
  const times = { lastMessageAt: time(lastMessageAt), archivedAt: time(archivedAt), expiresAt: time(expiresAt) }
  const own = { version: VERSION, externalId, model, instructions, encoding, metadata, ...times }
  const listed = branches.map((branch) => ({ id: branch.id, parent: branch.parent }))
  const versions = listed.length > 0 ? { branches: listed, selected: selectionsOf(conversation) } : {}
  return { id, title, createdAt: time(createdAt), [OWN_FIELD]: { ...own, ...versions } }
}

/** A message with all that it is here. */
export function encodeStoredMessage(message: Message): JsonObject {
  const { id, clientMessageId, replyId, replyTo, status, tokens } = message
  return encodeMessage(message, {
    id,
    clientMessageId,
    replyId,
    replyTo,
    tokens: status === 'REDACTED' ? tokens : undefined,
  })
}

function matches(value: unknown): boolean {
  if (!isObject(value) || typeof value.id !== 'string' || !isConversationId(value.id)) return false
  return Array.isArray(value.messages) && objectOf(value[OWN_FIELD]).version === VERSION
}

function decode(value: unknown, context: DecodeContext): FileConversation {
  const record = objectOf(value)
  const own = objectOf(record[OWN_FIELD])
  const id = String(record.id)
  const { settings, archivedAt, lastMessageAt } = decodeOwnFields(OWN_FIELD, own)
  const title = optional(readText, 'title', record.title)
  const branches = readBranches(id, record, context)
  const ends = new Map(branches.map((branch) => [branch.id ?? ROOT_BRANCH, branch.messages.at(-1)?.id]))
  const selected = restoreSelections([...ends.keys()].slice(1), listOf(own.selected))
  return {
    id,
    isNamed: true,
    ...omitUndefined({ externalId: optional(readText, `${OWN_FIELD}.externalId`, own.externalId) }),
    settings: { ...settings, ...omitUndefined({ title }) },
    origin: omitUndefined({
      id,
      createdAt: optional(readTime, 'createdAt', record.createdAt),
      lastMessageAt,
      archivedAt,
    }),
    hasLastingIds: false,
    branches,
    selectedIds: selected.flatMap((branch) => ends.get(branch) ?? []),
  }
}

/** The root first, then as the conversation lists them; what has no place of its own stands behind what it stands behind. */
function readBranches(conversationId: string, record: JsonObject, context: DecodeContext): FileBranch[] {
  const listed = listOf(objectOf(record[OWN_FIELD]).branches).map(objectOf)
  const parents = new Map<string, string>([[ROOT_BRANCH, '']])
  for (const { id, parent } of listed) {
    if (typeof id === 'string' && typeof parent === 'string' && parents.has(parent)) parents.set(id, parent)
  }
  const messages = new Map([...parents.keys()].map((branch) => [branch, new Map<number, PlacedMessage[]>()]))
  const read = (name: string) => {
    let at = { branch: ROOT_BRANCH, sequence: 0 }
    for (const [index, value] of listOf(record[name]).entries()) {
      const placed = readMessage(`${name}[${index}]`, value, conversationId, context)
      const place = placeOf(placed?.own?.id ?? '')
      if (place && messages.has(place.branch)) at = place
      const inBranch = messages.get(at.branch)
      const here = inBranch?.get(at.sequence) ?? []
      if (placed) inBranch?.set(at.sequence, here)
      if (placed) here.push(placed)
    }
  }
  read('messages')
  read('otherVersions')
  return [...messages].flatMap(([branch, bySequence]) => {
    const inOrder = [...bySequence].sort(([one], [other]) => one - other)
    const [first] = inOrder
    if (first === undefined) return []
    const placed = inOrder.flatMap(([, here]) => here)
    if (branch === ROOT_BRANCH) return [{ messages: placed }]
    return [
      {
        id: branch,
        replaces: messageId(conversationId, parents.get(branch) ?? ROOT_BRANCH, first[0]),
        messages: placed,
      },
    ]
  })
}

function readMessage(
  place: string,
  value: unknown,
  conversationId: string,
  { notes }: DecodeContext,
): PlacedMessage | undefined {
  const decoded = decodeMessage(place, value, place, notes)
  const message = decoded && repairOwnMessage(decoded, place, notes, MAX_OWN_MESSAGE_BYTES)
  if (message === undefined) return undefined
  const given = objectOf(objectOf(value)[OWN_FIELD])
  const isHere = typeof given.id === 'string' && placeOf(given.id)?.conversationId === conversationId
  if (!isHere) return { id: place, place, message }
  const { id, tokens } = given
  const isCounted =
    Number.isSafeInteger(tokens) && Number(tokens) >= MIN_MESSAGE_TOKENS && Number(tokens) < MAX_REDACTED_TOKENS
  const replyId = textOf(given.replyId)
  const own: OwnMessage = omitUndefined({
    id: String(id),
    // A message comes from a client or from a reply.
    clientMessageId: replyId === undefined ? textOf(given.clientMessageId) : undefined,
    replyId,
    replyTo: textOf(given.replyTo),
    tokens: isCounted && message.status === 'REDACTED' ? Number(tokens) : undefined,
  })
  return { id: own.id, place, message, own }
}
