import { createHash } from 'node:crypto'
import { BadUserInputError } from '../../errors.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { Message } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type FileConversation, idOfClient } from '../file-conversation.ts'
import {
  isObject,
  type JsonObject,
  optional,
  readFields,
  readList,
  readMetadata,
  readObject,
  readText,
  readTime,
  refuse,
} from '../json-fields.ts'
import { decodeMessage, type FileMessage, OWN_FIELD } from './openai-message.ts'

/** What the external id of a conversation of such a file begins with. */
const EXTERNAL_ID_PREFIX = 'import:'
/** As conversations' own ids begin. */
const OWN_ID_PREFIX = 'conv_'
const SHOWN_KEYS = 8

/**
 * A conversation `{id, messages}` or a bare list of messages, in the chat completions format. Fields that
 * are not known are ignored. Throws BadUserInputError with the field for what is another shape.
 */
export function decodeConversation(value: unknown): FileConversation {
  const record: JsonObject = Array.isArray(value) ? { messages: value } : readConversation(value)
  const messages = decodeMessages(readList('messages', record.messages))
  const given = optional(readId, 'id', record.id)
  const id =
    given ??
    createHash('sha256')
      .update(JSON.stringify(messages.map(({ message }) => message)))
      .digest('hex')
  const own = decodeOwn(OWN_FIELD, record[OWN_FIELD] ?? {})
  return omitUndefined({
    id,
    isNamed: given !== undefined,
    externalId: `${EXTERNAL_ID_PREFIX}${id}`,
    settings: { ...own.settings, ...omitUndefined({ title: optional(readText, 'title', record.title) }) },
    archivedAt: own.archivedAt,
    branches: [{ messages: messages.map(({ id, message }, index) => ({ id, place: `messages[${index}]`, message })) }],
  })
}

/** The conversation's own fields as they stand in a file, before its `messages`. */
export function encodeConversation(conversation: Conversation): JsonObject {
  const { externalId, title, model, instructions, encoding, metadata, createdAt, archivedAt, expiresAt } = conversation
  const time = (value: number | undefined) => (value === undefined ? undefined : new Date(value).toISOString())
  const own = {
    externalId,
    model,
    instructions,
    encoding,
    metadata,
    archivedAt: time(archivedAt),
    expiresAt: time(expiresAt),
  }
  return { id: fileId(conversation), title, createdAt: time(createdAt), [OWN_FIELD]: own }
}

/**
 * What came from a file keeps its id there, so that a file that went through several servers is known again.
 * Other conversations have their own id, by which they are known where they came from. No two have the same:
 * elsewhere, imported copies of such a conversation count as new ones.
 */
function fileId({ id, externalId }: Conversation): string {
  const given = externalId?.startsWith(EXTERNAL_ID_PREFIX) ? externalId.slice(EXTERNAL_ID_PREFIX.length) : ''
  return given === '' || given.startsWith(OWN_ID_PREFIX) ? id : given
}

/** The message's id in a file: as in the one that it came from, else its own. Undefined where that is its index. */
export function fileMessageId({ id, sequence, clientMessageId }: Message): string | undefined {
  const own = idOfClient(clientMessageId ?? '') ?? id
  return own === String(sequence - 1) ? undefined : own
}

function readConversation(value: unknown): JsonObject {
  const record = readObject('the conversation', value)
  if (Array.isArray(record.messages)) return record
  if (record.messages !== undefined) return record
  if (record.role != null) throw unknownShape('a message by itself')
  throw unknownShape(`one with the fields [${Object.keys(record).slice(0, SHOWN_KEYS).join(', ')}]`)
}

function unknownShape(given: string): BadUserInputError {
  return new BadUserInputError('the conversation', 'an object with `messages`', given)
}

/** In the older format calls have no ids: a result belongs to the newest call before it. */
function decodeMessages(values: readonly unknown[]): { id: string; message: FileMessage }[] {
  let functionCall = 0
  const ids = new Set<string>()
  return values.map((value, index) => {
    if (isObject(value) && value.function_call != null) functionCall = index
    const field = `messages[${index}]`
    const message = decodeMessage(field, value, `function_call_${functionCall}`)
    const id = decodeMessageId(`${field}.${OWN_FIELD}.id`, value) ?? String(index)
    if (ids.has(id)) refuse(`${field}.${OWN_FIELD}.id`, 'unlike every other in the conversation', id)
    ids.add(id)
    return { id, message }
  })
}

function decodeMessageId(field: string, value: unknown): string | undefined {
  const own = isObject(value) ? value[OWN_FIELD] : undefined
  return isObject(own) ? optional(readText, field, own.id) : undefined
}

function decodeOwn(field: string, value: unknown) {
  const { maybe } = readFields(field, value)
  const settings = omitUndefined({
    model: maybe('model', readText),
    instructions: maybe('instructions', readText),
    encoding: maybe('encoding', readText),
    metadata: maybe('metadata', readMetadata),
    expiresAt: maybe('expiresAt', readTime),
  })
  return { settings, archivedAt: maybe('archivedAt', readTime) }
}

function readId(field: string, value: unknown): string {
  return Number.isSafeInteger(value) ? String(value) : readText(field, value)
}
