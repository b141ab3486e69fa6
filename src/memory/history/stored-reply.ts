import type { ReplyChanges, ReplyPhase, ReplyRecord } from './reply-record.ts'

/** What may hold anybody's text, kept as JSON text: byte for byte, whatever its keys and characters. */
const JSON_FIELDS = ['question', 'context', 'text', 'parts', 'outcome', 'usage'] as const

type JsonField = (typeof JSON_FIELDS)[number]

type Said = Pick<ReplyRecord, 'text' | 'parts'>

/** Fields of a reply as both stores keep them. */
export type StoredReply<Fields> = {
  [Name in keyof Fields]: Name extends JsonField ? Extract<Fields[Name], null | undefined> | string : Fields[Name]
}

/** Fields of a reply to be stored; what is undefined is left out, null stays. */
export function encodeReplyFields<Fields extends object>(fields: Fields): StoredReply<Fields> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  const encoded = present.map(([name, value]) => [
    name,
    value !== null && isJsonField(name) ? JSON.stringify(value) : value,
  ])
  return Object.fromEntries(encoded) as StoredReply<Fields>
}

/** The inverse; what is null is left out, but for a text and parts that the end removed: those are empty. */
export function decodeReplyFields<Fields extends object>(stored: StoredReply<Fields>): Fields & Said {
  const present = Object.entries(stored).filter(([, value]) => value != null)
  const decoded = present.map(([name, value]) => [name, isJsonField(name) ? JSON.parse(String(value)) : value])
  return { text: '', parts: [], ...(Object.fromEntries(decoded) as Fields) }
}

/**
 * Whether a conditional write counts a beat: where it asks for one, and where it would else leave the
 * phase, since a write that changed nothing could not be told from one that was refused.
 */
export function countsBeat(from: ReplyPhase, { phase = from, bumpBeat }: ReplyChanges): boolean {
  return bumpBeat === true || phase === from
}

/** The ids of a conversation's replies are those between these two. */
export function replyIdBounds(conversationId: string): { above: string; below: string } {
  const prefix = `rep_${conversationId.slice('conv_'.length)}`
  // The character after the underscore.
  return { above: `${prefix}_`, below: `${prefix}\`` }
}

function isJsonField(name: string): boolean {
  return JSON_FIELDS.some((field) => field === name)
}
