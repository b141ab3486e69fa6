import type { MessagePart } from '../../memory/message.ts'
import { isObject, type JsonObject, objectOf, readJson, textOf } from '../json-fields.ts'
import type { Notes } from '../notes.ts'

/** The fields of the content types without `parts` that are text: code and what ran it, pages, quotes, errors. */
const TEXT_FIELDS = ['text', 'result', 'content']
/** How a text is shown. */
const FORMAT_FIELDS = ['content_type', 'language', 'response_format_name']

/**
 * What a ChatGPT message says: texts that follow each other as one part, thoughts as reasoning, and all
 * else (pointers to images, the address of a quote) as data under the name of its type. Nothing, if it
 * says nothing.
 */
export function decodeChatGptContent(place: string, content: JsonObject, notes: Notes): MessagePart[] {
  const { content_type: type, parts, thoughts } = content
  if (Array.isArray(parts)) return joinTexts(parts.flatMap((item) => decodeItem(item, place, notes)))
  if (Array.isArray(thoughts)) return decodeThoughts(thoughts)
  const said = Object.entries(content).filter(
    ([key, value]) => !FORMAT_FIELDS.includes(key) && value != null && value !== '',
  )
  const texts = said.flatMap(([key, value]) => (isText(key, value) ? value : []))
  const others = said.filter(([key, value]) => !isText(key, value))
  return [...textPart(texts.join('\n')), ...(others.length > 0 ? [dataPart(type, Object.fromEntries(others))] : [])]
}

function decodeItem(item: unknown, place: string, notes: Notes): MessagePart[] {
  if (item == null) return []
  if (typeof item === 'string') return textPart(item)
  if (!isObject(item)) {
    notes.change(place, 'an item of content that is neither text nor an object: kept as data')
    return [dataPart('item', { value: item })]
  }
  // What was spoken has no other text.
  if (item.content_type === 'audio_transcription' && typeof item.text === 'string') return textPart(item.text)
  return [dataPart(item.content_type, item)]
}

function joinTexts(parts: readonly MessagePart[]): MessagePart[] {
  const joined: MessagePart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.type === 'text' && last?.type === 'text') joined.splice(-1, 1, { ...last, text: last.text + part.text })
    else joined.push(part)
  }
  return joined
}

function decodeThoughts(thoughts: readonly unknown[]): MessagePart[] {
  const texts = thoughts.flatMap((thought) => {
    const { summary, content } = objectOf(thought)
    return [summary, content].map(textOf)
  })
  const text = texts.filter(Boolean).join('\n\n')
  return text === '' ? [] : [{ type: 'reasoning', text }]
}

function isText(key: string, value: unknown): value is string {
  return TEXT_FIELDS.includes(key) && typeof value === 'string'
}

function textPart(text: string): MessagePart[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

function dataPart(type: unknown, data: JsonObject): MessagePart {
  return { type: 'data', name: typeof type === 'string' && type !== '' ? type : 'content', data: readJson(data) }
}
