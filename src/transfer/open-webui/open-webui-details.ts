import type { MessagePart } from '../../memory/message.ts'

const BEGIN = '<details type="'
const END = '</details>'
/** Attributes are short, but for the arguments and results of tools. */
const ATTRIBUTE = /(\w{1,40})="([^"]*)"/g
const SUMMARY = /^\s*<summary>[^<]{0,1000}<\/summary>/
const ENTITIES = new Map([
  ['&quot;', '"'],
  ['&#34;', '"'],
  ['&#39;', "'"],
  ['&#x27;', "'"],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
])
const ENTITY = /&(?:quot|#34|#39|#x27|lt|gt|amp);/g

/**
 * What an answer says whose `content` is HTML for Open WebUI's page: `<details>` of reasoning and of tool calls are
 * what they stand for, all else is text as it is.
 */
export function readDetails(content: string): MessagePart[] {
  if (!content.includes(BEGIN)) return content === '' ? [] : [{ type: 'text', text: content }]
  const parts: MessagePart[] = []
  let from = 0
  for (let begin = content.indexOf(BEGIN); begin >= 0; begin = content.indexOf(BEGIN, from)) {
    const tagEnd = content.indexOf('>', begin)
    const end = tagEnd < 0 ? -1 : content.indexOf(END, tagEnd)
    if (end < 0) break
    parts.push(...textPart(content.slice(from, begin)))
    const attributes = new Map(
      [...content.slice(begin, tagEnd).matchAll(ATTRIBUTE)].map(([, name = '', value = '']) => [
        name,
        unescapeHtml(value),
      ]),
    )
    parts.push(...readBlock(attributes, content.slice(tagEnd + 1, end), content.slice(begin, end + END.length)))
    from = end + END.length
  }
  return [...parts, ...textPart(content.slice(from))]
}

function readBlock(attributes: ReadonlyMap<string, string>, inner: string, whole: string): MessagePart[] {
  const type = attributes.get('type')
  if (type === 'reasoning') {
    const lines = unescapeHtml(inner.replace(SUMMARY, '')).trim().split('\n')
    const text = lines.map((line) => line.replace(/^> ?/, '')).join('\n')
    return text === '' ? [] : [{ type: 'reasoning', text }]
  }
  if (type !== 'tool_calls') return textPart(whole)
  const {
    id: toolCallId = 'call',
    name: toolName = 'tool',
    arguments: given = '{}',
    result,
  } = Object.fromEntries(attributes)
  const call: MessagePart = { type: 'toolCall', toolCallId, toolName, arguments: unquote(given) }
  return result === undefined ? [call] : [call, { type: 'toolResult', toolCallId, toolName, output: unquote(result) }]
}

/** Both are JSON of a text in newer exports. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}

function unescapeHtml(text: string): string {
  return text.replaceAll(ENTITY, (entity) => ENTITIES.get(entity) ?? entity)
}

/** Line breaks around the blocks belong to the page. */
function textPart(text: string): MessagePart[] {
  const said = text.replace(/^\n+/, '').trimEnd()
  return said === '' ? [] : [{ type: 'text', text: said }]
}
