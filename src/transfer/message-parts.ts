import type { MessagePart } from '../memory/message.ts'
import { omitUndefined } from '../omit-undefined.ts'
import {
  type JsonObject,
  optional,
  readFlag,
  readJson,
  readList,
  readObject,
  readText,
  readWord,
} from './json-fields.ts'

const TYPES = ['text', 'reasoning', 'toolCall', 'toolResult', 'file', 'data'] as const

/**
 * Parts as they are stored, for what the chat completions format has no place for: the `parts` of an
 * exported message. Throws BadUserInputError for anything else under that name.
 */
export function decodeParts(field: string, value: unknown): MessagePart[] {
  return readList(field, value).map((part, index) =>
    decodePart(`${field}[${index}]`, readObject(`${field}[${index}]`, part)),
  )
}

function decodePart(field: string, part: JsonObject): MessagePart {
  const type = readWord(`${field}.type`, part.type, TYPES)
  const text = (name: string) => readText(`${field}.${name}`, part[name])
  const maybeText = (name: string) => optional(readText, `${field}.${name}`, part[name])
  // Null is opaque data like any other, here and below.
  const { providerMetadata: given } = part
  const provided = given === undefined ? {} : { providerMetadata: readJson(given) }
  switch (type) {
    case 'text':
    case 'reasoning':
      return { type, text: text('text'), ...provided }
    case 'toolCall':
      return {
        type,
        toolCallId: text('toolCallId'),
        toolName: text('toolName'),
        arguments: text('arguments'),
        ...provided,
      }
    case 'toolResult':
      return {
        type,
        toolCallId: text('toolCallId'),
        output: text('output'),
        ...omitUndefined({
          toolName: maybeText('toolName'),
          isError: optional(readFlag, `${field}.isError`, part.isError),
        }),
        ...provided,
      }
    case 'file': {
      const filename = maybeText('filename')
      return { type, url: text('url'), mediaType: text('mediaType'), ...omitUndefined({ filename }), ...provided }
    }
    case 'data':
      return { type, name: text('name'), data: readJson(part.data ?? null), ...provided }
  }
}
