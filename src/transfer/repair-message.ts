import { BadUserInputError } from '../errors.ts'
import { bytesOfParts, checkPart } from '../memory/input/check-part.ts'
import { MAX_ID_LENGTH, MAX_NAME_LENGTH } from '../memory/input/check-text.ts'
import { checkMetadata, MAX_PARTS, MAX_TIME } from '../memory/input/limits.ts'
import type { Json, MessagePart } from '../memory/message.ts'
import { isMessageField } from '../memory/message-fields.ts'
import type { FileMessage, MessageLimits } from './file-conversation.ts'
import type { Notes } from './notes.ts'

const HALF_PAIRS = 'half of a surrogate pair, which is no character: U+FFFD in its place'
const NO_TIME = 'a time that is none: left out'
const LABEL_CUT = 'a name over the limit: cut'
/** What stands for the parts that one message has no room for. */
const MORE = 'more'

/**
 * The message as it can be stored, with all of it that can be: characters that are none are replaced, names are cut,
 * parts that cannot be are data or left out, and each of these is noted. Undefined for one that stays too large.
 */
export function repairMessage(
  message: FileMessage,
  place: string,
  notes: Notes,
  { maxMessageBytes }: MessageLimits,
): FileMessage | undefined {
  const { author, model, metadata, createdAt, ...rest } = repairTexts(message, place, notes)
  const parts = keepParts(
    rest.role,
    rest.parts.flatMap((part) => repairPart(part, place, notes)),
    place,
    notes,
  )
  const repaired: FileMessage = { ...rest, parts }
  const [authorName, modelName] = [author, model].map((name) => name && cutName(name, place, notes))
  if (authorName) repaired.author = authorName
  if (modelName) repaired.model = modelName
  if (createdAt !== undefined && isTime(createdAt)) repaired.createdAt = createdAt
  else if (createdAt !== undefined) notes.change(place, NO_TIME)
  if (metadata !== undefined && isValid(() => checkMetadata('metadata', metadata))) repaired.metadata = metadata
  else if (metadata !== undefined) notes.loss(place, 'metadata over its limits: left out')
  return fitBytes(repaired, place, notes, { maxBytes: maxMessageBytes, name: 'MAX_MESSAGE_BYTES' })
}

/**
 * The message of an own export as it can be stored again: nothing but what no store takes is changed, since what a model
 * wrote and what was redacted goes beyond what can be sent.
 */
export function repairOwnMessage(
  message: FileMessage,
  place: string,
  notes: Notes,
  maxBytes: number,
): FileMessage | undefined {
  const { metadata, usage, parts, createdAt, ...rest } = repairTexts(message, place, notes)
  const repaired: FileMessage = { ...rest, parts: isMessageField('parts', parts) ? parts : [] }
  if (metadata !== undefined && isMessageField('metadata', metadata)) repaired.metadata = metadata
  if (usage !== undefined && isMessageField('usage', usage)) repaired.usage = usage
  if (createdAt !== undefined && isTime(createdAt)) repaired.createdAt = createdAt
  return fitBytes(repaired, place, notes, { maxBytes, name: 'what a store takes, whatever MAX_MESSAGE_BYTES is' })
}

/** Whether a message can have come at that time, in epoch milliseconds. */
export function isTime(value: number): boolean {
  return value >= 0 && value <= MAX_TIME
}

/** A name of at most so many characters, none of which is half. */
export function cutName(name: string, place: string, notes: Notes, max: number = MAX_NAME_LENGTH): string {
  const plain = name.toWellFormed().replaceAll('\0', '')
  if (plain.length <= max) return plain
  notes.change(place, LABEL_CUT)
  return plain.slice(0, max).toWellFormed()
}

/** The value with whole characters in every text, keys included. */
function repairTexts<T>(value: T, place: string, notes: Notes): T {
  const text = JSON.stringify(value)
  // JSON.stringify writes halves as escapes, and only those.
  if (!/\\ud[89a-f]/.test(text)) return value
  let count = 0
  const repaired = mapTexts(value as Json, (each) => {
    if (each.isWellFormed()) return each
    count++
    return each.toWellFormed()
  })
  if (count > 0) notes.change(place, HALF_PAIRS)
  return repaired as T
}

/** No deeper than JSON.stringify went before. */
function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapTexts(item, change)]))
}

/** The part, or what is kept of one that cannot be stored as it is. */
function repairPart(part: MessagePart, place: string, notes: Notes): MessagePart[] {
  const named = repairNames(part, place, notes)
  try {
    checkPart('part', named)
    return [named]
  } catch (error) {
    if (!(error instanceof BadUserInputError)) throw error
    const { providerMetadata, ...own } = named
    if (providerMetadata !== undefined) {
      notes.loss(place, 'data of a provider that cannot be kept: left out')
      return repairPart(own as MessagePart, place, notes)
    }
    if (named.type === 'file') {
      notes.change(place, 'a file without a web address: kept as data that names it, without what it holds')
      const { url, mediaType, filename } = named
      const address = url.startsWith('data:') ? url.slice(0, url.indexOf(',') + 1) : url
      return repairPart(fileData({ address, mediaType, filename }), place, notes)
    }
    notes.loss(place, `a part (${named.type}) that cannot be kept: left out`)
    return []
  }
}

function fileData(file: { address: string; mediaType: string; filename: string | undefined }): MessagePart {
  const data = { mediaType: file.mediaType, ...(file.filename !== undefined && { filename: file.filename }) }
  return { type: 'data', name: 'file', data: { ...data, address: file.address.slice(0, MAX_ID_LENGTH) } }
}

function repairNames(part: MessagePart, place: string, notes: Notes): MessagePart {
  const name = (given: string, max?: number) => cutName(given, place, notes, max)
  switch (part.type) {
    case 'toolCall':
      return {
        ...part,
        toolCallId: name(part.toolCallId, MAX_ID_LENGTH) || 'call',
        toolName: name(part.toolName) || 'tool',
      }
    case 'toolResult': {
      const { toolName, ...result } = part
      const tool = toolName && name(toolName)
      return { ...result, toolCallId: name(part.toolCallId, MAX_ID_LENGTH) || 'call', ...(tool && { toolName: tool }) }
    }
    case 'file': {
      const { filename, ...file } = part
      const short = filename && name(filename, MAX_ID_LENGTH)
      const mediaType = part.mediaType.length < 3 ? 'application/octet-stream' : name(part.mediaType)
      return { ...file, mediaType, ...(short && { filename: short }) }
    }
    case 'data':
      return { ...part, name: name(part.name) || 'data' }
    default:
      return part
  }
}

/** What the role may say, in no more parts than one message has. */
function keepParts(role: FileMessage['role'], given: MessagePart[], place: string, notes: Notes): MessagePart[] {
  const parts = given.map((part): MessagePart => {
    if (part.type !== 'toolCall' || role === 'ASSISTANT') return part
    notes.change(place, 'a call of a tool by somebody else than the model: kept as data')
    const { toolCallId, toolName, arguments: text } = part
    return { type: 'data', name: 'tool_call', data: { toolCallId, toolName, arguments: text } }
  })
  if (parts.length <= MAX_PARTS) return parts
  const isData = ({ type }: MessagePart) => type === 'data'
  const room = Math.max(0, MAX_PARTS - 1 - parts.filter((part) => !isData(part)).length)
  const over = new Set(parts.filter(isData).slice(room))
  const kept = parts.filter((part) => !over.has(part)).slice(0, MAX_PARTS - 1)
  notes.change(place, `over ${MAX_PARTS} parts: the data of the last ones stands in one`)
  if (kept.length + over.size < parts.length) notes.loss(place, `over ${MAX_PARTS} parts: the last ones left out`)
  const data = [...over].map((part) => ({ ...part }) as unknown as Json)
  return data.length > 0 ? [...kept, { type: 'data', name: MORE, data }] : kept
}

function fitBytes(
  message: FileMessage,
  place: string,
  notes: Notes,
  { maxBytes, name }: { maxBytes: number; name: string },
): FileMessage | undefined {
  const bytes = bytesOfParts(message.parts)
  if (bytes <= maxBytes) return message
  const said = message.parts.filter(({ type }) => type !== 'data')
  if (said.length > 0 && said.length < message.parts.length && bytesOfParts(said) <= maxBytes) {
    notes.loss(place, `data of a message over ${maxBytes} bytes: left out, its text is kept`)
    return { ...message, parts: said }
  }
  notes.loss(place, `a message over ${maxBytes} bytes, too large for ${name}: left out`)
  return undefined
}

function isValid(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
