import type { MessagePart } from '../memory/message.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { readAny, readFields, readFlag, readJson, readList, readText, readWordOf } from './json-fields.ts'

const TYPES = ['text', 'reasoning', 'toolCall', 'toolResult', 'file', 'data'] as const

/**
 * Parts as they are stored, for what the chat completions format has no place for: the `parts` of an
 * exported message. Throws BadUserInputError for anything else under that name.
 */
export function decodeParts(field: string, value: unknown): MessagePart[] {
  return readList(field, value).map((part, index) => inOrderOf(part, decodePart(`${field}[${index}]`, part)))
}

/** With its fields in the order in which the file has them: so an export of it is the same, byte for byte. */
function inOrderOf(given: unknown, part: MessagePart): MessagePart {
  const fields = new Map(Object.entries(part))
  const names = Object.keys(Object(given)).filter((name) => fields.has(name))
  return Object.fromEntries(names.map((name) => [name, fields.get(name)])) as unknown as MessagePart
}

function decodePart(field: string, value: unknown): MessagePart {
  const { get, maybe } = readFields(field, value)
  const type = get('type', readWordOf(TYPES))
  const text = (name: string) => get(name, readText)
  // Null is opaque data like any other, here and below.
  const given = get('providerMetadata', readAny)
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
          toolName: maybe('toolName', readText),
          isError: maybe('isError', readFlag),
        }),
        ...provided,
      }
    case 'file': {
      const filename = maybe('filename', readText)
      return { type, url: text('url'), mediaType: text('mediaType'), ...omitUndefined({ filename }), ...provided }
    }
    case 'data':
      return { type, name: text('name'), data: readJson(get('data', readAny) ?? null), ...provided }
  }
}
