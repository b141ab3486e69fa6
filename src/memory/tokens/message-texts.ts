import type { MessageDraft, MessagePart } from '../message.ts'
import { contentOf } from '../message.ts'

/**
 * Every text of a message that costs tokens: its content, then those of its other parts. The ids of tool
 * calls are not among them: they link messages and models do not read them.
 */
export function messageTexts({ parts }: Pick<MessageDraft, 'parts'>): string[] {
  // Thoughts are sent again, if at all, with the calls that came of them; what is not sent costs nothing.
  const isThoughtSent = parts.some(({ type }) => type === 'toolCall')
  const counted = parts.flatMap((part) => partTexts(part, isThoughtSent))
  return [contentOf(parts), ...counted].filter((text) => text !== '')
}

function partTexts(part: MessagePart, isThoughtSent: boolean): string[] {
  const { providerMetadata } = part
  const own = part.type === 'reasoning' && !isThoughtSent ? [] : ownTexts(part)
  return providerMetadata === undefined ? own : [...own, JSON.stringify(providerMetadata)]
}

function ownTexts(part: MessagePart): string[] {
  switch (part.type) {
    case 'text':
      return []
    case 'reasoning':
      return [part.text]
    case 'toolCall':
      return [part.toolName, part.arguments]
    case 'toolResult':
      return [part.output]
    case 'file':
      return [part.url, part.filename ?? '', part.mediaType]
    case 'data':
      return [part.name, JSON.stringify(part.data)]
  }
}
