import type { MessagePart } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { listOf, objectOf, readJson, textOf } from '../json-fields.ts'
import type { Notes } from '../notes.ts'

/** One item of an `output`, as in OpenAI's Responses API; what is not known is kept as data. */
export function decodeOutput(place: string, value: unknown, notes: Notes): MessagePart[] {
  const item = objectOf(value)
  const { type, name, call_id, id, output } = item
  const toolCallId = textOf(call_id) ?? textOf(id) ?? place
  switch (type) {
    case 'message':
      return textParts('text', joinTexts(item.content))
    case 'reasoning':
      return textParts('reasoning', joinTexts(item.content) || joinTexts(item.summary))
    case 'function_call': {
      const given = item.arguments
      const text = typeof given === 'string' ? given : JSON.stringify(objectOf(given))
      return [{ type: 'toolCall', toolCallId, toolName: textOf(name) ?? 'tool', arguments: text }]
    }
    case 'function_call_output': {
      const text = typeof output === 'string' ? output : joinTexts(output)
      return [{ type: 'toolResult', toolCallId, ...omitUndefined({ toolName: textOf(name) }), output: text }]
    }
    default:
      notes.change(place, 'an item of output of a type that is not known: kept as data')
      return [{ type: 'data', name: textOf(type) ?? 'output', data: readJson(value) }]
  }
}

function textParts(type: 'text' | 'reasoning', text: string): MessagePart[] {
  return text === '' ? [] : [{ type, text }]
}

function joinTexts(items: unknown): string {
  return typeof items === 'string'
    ? items
    : listOf(items)
        .flatMap((item) => textOf(objectOf(item).text) ?? [])
        .join('')
}
