import type { Json } from '../../memory/message.ts'
import { callsOf, isSystem, type PromptMessage } from './prompt-message.ts'

/** Stands for what a window has cut off before an answer. */
const CUT_OFF = '[…]'
/** Stands for an answer that was never given. */
const NO_ANSWER = '[no answer]'

/** All instructions as one system message at the beginning. */
export function putSystemFirst(messages: readonly PromptMessage[]): PromptMessage[] {
  const instructions = messages.filter(isSystem)
  if (instructions.length === 0) return [...messages]
  const content = instructions.map((message) => String(message.content)).join('\n\n')
  return [{ role: 'system', content }, ...messages.filter((message) => !isSystem(message))]
}

/** The instructions as the beginning of the first question, for templates without a place for them. */
export function putSystemIntoUser(messages: readonly PromptMessage[]): PromptMessage[] {
  const [system, ...rest] = putSystemFirst(messages)
  if (system === undefined || !isSystem(system)) return [...messages]
  const first = rest.findIndex(({ role }) => role === 'user')
  if (first < 0) return [{ ...system, role: 'user' }, ...rest]
  return rest.map((message, index) => {
    return index === first ? { ...message, content: joinContents(system.content, message.content) } : message
  })
}

/**
 * Turns of user and assistant that alternate behind the system message, as strict templates want them; calls and their
 * results stand within the assistant's turn. Neighbours of one role become one message, and nothing is left out.
 */
export function alternateTurns(messages: readonly PromptMessage[]): PromptMessage[] {
  const turns: PromptMessage[] = []
  const instructions: PromptMessage[] = []
  for (const message of putSystemFirst(messages)) {
    const before = turns.at(-1)
    if (isSystem(message)) instructions.push(message)
    else if (message.role === 'user') {
      if (before?.role === 'tool') turns.push({ role: 'assistant', content: NO_ANSWER })
      if (before?.role === 'user') turns.splice(-1, 1, joined(before, message))
      else turns.push(message)
    } else if (message.role === 'tool') turns.push(message)
    else {
      if (before === undefined) turns.push({ role: 'user', content: CUT_OFF })
      if (before?.role === 'assistant') turns.splice(-1, 1, joined(before, message))
      else turns.push(message)
    }
  }
  return [...instructions, ...turns]
}

/** Two messages of one role as one; whose they are is said where that differs. */
function joined(first: PromptMessage, second: PromptMessage): PromptMessage {
  const isOfOne = first.name === second.name
  const { name: _, ...rest } = { ...first, ...second }
  const calls = [...callsOf(first), ...callsOf(second)]
  return {
    ...rest,
    role: second.role,
    ...(isOfOne && first.name !== undefined && { name: first.name }),
    content: joinContents(isOfOne ? first.content : named(first), isOfOne ? second.content : named(second)),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

function named({ name, content }: PromptMessage): Json {
  return typeof name === 'string' && typeof content === 'string' ? `${name}: ${content}` : (content ?? null)
}

function joinContents(first: Json | undefined, second: Json | undefined): Json {
  if (first === null || first === undefined || first === '') return second ?? null
  if (second === null || second === undefined || second === '') return first
  if (typeof first === 'string' && typeof second === 'string') return `${first}\n\n${second}`
  return [...itemsOf(first), ...itemsOf(second)]
}

function itemsOf(content: Json): Json[] {
  return Array.isArray(content) ? content : [{ type: 'text', text: String(content) }]
}
