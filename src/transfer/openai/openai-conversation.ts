import { createHash } from 'node:crypto'
import { omitUndefined } from '../../omit-undefined.ts'
import { factsOf } from '../conversation-facts.ts'
import type { DecodeContext, FileConversation, FileFormat, FileMessage, PlacedMessage } from '../file-conversation.ts'
import { isObject, type JsonObject, objectOf, optional, readList, readText } from '../json-fields.ts'
import type { Notes } from '../notes.ts'
import { repairMessage } from '../repair-message.ts'
import { decodeMessage, decodeOwnFields, OWN_FIELD } from './openai-message.ts'

/** What the external id of a conversation of such a file begins with. */
const EXTERNAL_ID_PREFIX = 'import:'

/** A conversation `{id, messages}`, or a bare list of messages, as chat completions APIs take them. */
export const CHAT_COMPLETIONS: FileFormat = {
  name: 'chat completions',
  files: [
    '{"id": …, "title": …, "messages": [{"role": …, "content": …}]} of any other program: a JSON array of',
    'such objects, one of them, one a line (JSONL, fine-tuning files), or a list of messages',
  ],
  matches,
  decode,
}

function matches(value: unknown): boolean {
  return Array.isArray(value) || (isObject(value) && Array.isArray(value.messages))
}

function decode(value: unknown, context: DecodeContext): FileConversation {
  const record: JsonObject = Array.isArray(value) ? { messages: value } : objectOf(value)
  const { messages, decoded } = decodeMessages(readList('messages', record.messages), context)
  // As they were read, and not as they are repaired: so older versions of the import knew them.
  const digest = () => createHash('sha256').update(JSON.stringify(decoded)).digest('hex')
  const { id = digest(), title, createdAt } = record
  const own = decodeOwnFields(OWN_FIELD, record[OWN_FIELD] ?? {})
  const branches = [{ messages }]
  const facts = factsOf(EXTERNAL_ID_PREFIX, { id, title, createdAt }, branches, context.notes)
  return {
    ...facts,
    isNamed: typeof record.id === 'string' || Number.isSafeInteger(record.id),
    settings: { ...own.settings, ...facts.settings },
    origin: omitUndefined({ ...facts.origin, archivedAt: own.archivedAt }),
    branches,
    selectedIds: [],
    hasLastingIds: false,
  }
}

/** In the older format calls have no ids: a result belongs to the newest call before it. */
function decodeMessages(
  values: readonly unknown[],
  { notes, limits }: DecodeContext,
): { messages: PlacedMessage[]; decoded: FileMessage[] } {
  let functionCall = 0
  const ids = new Set<string>()
  const all: FileMessage[] = []
  const messages = values.flatMap((value, index) => {
    if (isObject(value) && value.function_call != null) functionCall = index
    const place = `messages[${index}]`
    const decoded = decodeMessage(place, value, `function_call_${functionCall}`, notes)
    if (decoded) all.push(decoded)
    const said = decoded && (isObject(value) && value[OWN_FIELD] != null ? decoded : ifSaid(decoded, place, notes))
    const message = said && repairMessage(said, place, notes, limits)
    if (message === undefined) return []
    let id = decodeMessageId(place, value) ?? String(index)
    if (ids.has(id)) {
      notes.change(place, 'an id of a message that is there twice: known by its place')
      id = `#${index}`
    }
    ids.add(id)
    return [{ id, place, message }]
  })
  return { messages, decoded: all }
}

function ifSaid(message: FileMessage, place: string, notes: Notes): FileMessage | undefined {
  if (message.parts.some((part) => part.type !== 'text' || part.text !== '')) return message
  notes.change(place, 'a message that says nothing: left out')
  return undefined
}

function decodeMessageId(field: string, value: unknown): string | undefined {
  const own = isObject(value) ? value[OWN_FIELD] : undefined
  return isObject(own) ? optional(readText, field, own.id) : undefined
}
