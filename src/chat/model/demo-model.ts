import { setTimeout as delay } from 'node:timers/promises'
import type { Json } from '../../memory/message.ts'
import type { ChatModel } from './chat-model.ts'

const DEFAULT_DELAY_MS = 25
const EXCERPT_CHARACTERS = 100

/**
 * A model that needs no key and no network: its answer says what context it was given. It streams word by
 * word, `delayMs` apart, and gives the same answer to the same messages.
 */
export function createDemoModel({ delayMs = DEFAULT_DELAY_MS }: { delayMs?: number } = {}): ChatModel {
  return {
    defaultModel: 'demo',
    async *stream({ messages }, signal) {
      for (const word of wordsOf(describeContext(messages))) {
        if (delayMs > 0) await delay(delayMs, undefined, { signal })
        signal.throwIfAborted()
        yield { type: 'text', text: word }
      }
      yield { type: 'finish', reason: 'STOP' }
    },
  }
}

interface Line {
  role: string
  text: string
}

function describeContext(messages: readonly Json[]): string {
  const lines = messages.map(lineOf)
  const isInstruction = ({ role }: Line) => role === 'system' || role === 'developer'
  const instructions = lines[0] !== undefined && isInstruction(lines[0]) ? lines[0] : undefined
  const said = instructions === undefined ? lines : lines.slice(1)
  const first = said[0]
  const last = said.at(-1)
  return [
    `👋 I am the demo model, and this is what I was given: **${countRoles(said)}**.`,
    [
      `- Instructions: ${instructions === undefined ? 'none' : excerpt(instructions.text)}`,
      ...(first === undefined ? [] : [`- First message, from ${first.role}: ${excerpt(first.text)}`]),
      ...(last === undefined ? [] : [`- Last message, from ${last.role}: ${excerpt(last.text)}`]),
    ].join('\n'),
    'Set `OPENAI_API_KEY` or `OPENAI_BASE_URL` for a real answer. Until then: ¡buen viaje, 良い旅を, 👩‍🚀✨',
  ].join('\n\n')
}

/** By hand: a schema library would be most of what the demo costs at the start. */
function lineOf(message: Json): Line {
  const { role, content } = fieldsOf(message)
  const parts = Array.isArray(content) ? content : [{ text: content ?? '' }]
  const texts = parts.map((part) => fieldsOf(part).text)
  return { role: String(role ?? 'unknown'), text: texts.filter((text) => typeof text === 'string').join('') }
}

function fieldsOf(value: Json): { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** As "3 messages (2 user, 1 assistant)". */
function countRoles(lines: readonly Line[]): string {
  const counts = new Map<string, number>()
  for (const { role } of lines) counts.set(role, (counts.get(role) ?? 0) + 1)
  const total = `${lines.length} ${lines.length === 1 ? 'message' : 'messages'}`
  const parts = [...counts].map(([role, count]) => `${count} ${role}`)
  return parts.length === 0 ? total : `${total} (${parts.join(', ')})`
}

/** The beginning of a text on one line, by whole characters as people see them. */
function excerpt(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  if (line === '') return '(no text)'
  // A character may be long: what is looked at stays bounded all the same.
  const characters = [...new Intl.Segmenter().segment(line.slice(0, EXCERPT_CHARACTERS * 10))]
  const shown = characters
    .slice(0, EXCERPT_CHARACTERS)
    .map(({ segment }) => segment)
    .join('')
  return `“${shown}${shown.length < line.length ? '…' : ''}”`
}

/** Each word with the space before it; together they are the text. */
function wordsOf(text: string): string[] {
  return text.split(/(?<=\S)(?=\s)/)
}
