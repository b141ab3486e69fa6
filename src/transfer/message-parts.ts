import type { MessagePart } from '../memory/message.ts'
import { omitAbsent } from '../memory/omit-absent.ts'
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
  const provided = { providerMetadata: optional(readJson, field, part.providerMetadata) }
  switch (type) {
    case 'text':
    case 'reasoning':
      return omitAbsent({ type, text: text('text'), ...provided })
    case 'toolCall':
      return omitAbsent({
        type,
        toolCallId: text('toolCallId'),
        toolName: text('toolName'),
        arguments: text('arguments'),
        ...provided,
      })
    case 'toolResult':
      return omitAbsent({
        type,
        toolCallId: text('toolCallId'),
        toolName: maybeText('toolName'),
        output: text('output'),
        isError: optional(readFlag, `${field}.isError`, part.isError),
        ...provided,
      })
    case 'file':
      return omitAbsent({
        type,
        url: text('url'),
        mediaType: text('mediaType'),
        filename: maybeText('filename'),
        ...provided,
      })
    case 'data':
      // Null is data like any other.
      return { type, name: text('name'), data: readJson(field, part.data ?? null), ...omitAbsent(provided) }
  }
}
