import { createHash } from 'node:crypto'
import { callsOf, type PromptMessage } from './prompt-message.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
/** What Mistral takes, and everybody else too. */
const LENGTH = 9

/** Ids of calls as nine letters or digits, the same in every prompt: one that is so already stays. */
export function shortenIds(messages: readonly PromptMessage[]): PromptMessage[] {
  const ids = messages.flatMap(callsOf).map(({ id }) => String(id))
  const taken = new Set(ids.filter(isShort))
  const short = new Map<string, string>()
  for (const id of ids) if (!isShort(id) && !short.has(id)) short.set(id, shorten(id, taken))
  const shortOf = (id: unknown) => short.get(String(id)) ?? String(id)
  return messages.map((message) => {
    if (message.role === 'tool') return { ...message, tool_call_id: shortOf(message.tool_call_id) }
    const calls = callsOf(message)
    if (calls.length === 0) return message
    return { ...message, tool_calls: calls.map((call) => ({ ...call, id: shortOf(call.id) })) }
  })
}

function isShort(id: string): boolean {
  return /^[a-zA-Z0-9]{9}$/.test(id)
}

function shorten(id: string, taken: Set<string>): string {
  for (let salt = 0; ; salt += 1) {
    const bytes = createHash('sha256').update(`${salt} ${id}`).digest().subarray(0, LENGTH)
    const short = [...bytes].map((byte) => LETTERS[byte % LETTERS.length]).join('')
    if (taken.has(short)) continue
    taken.add(short)
    return short
  }
}
