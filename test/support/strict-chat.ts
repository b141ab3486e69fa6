import { expect } from 'vitest'
import type { ChatMessage } from '../../src/chat/chat-messages.ts'

/**
 * What a strict chat completions API takes: results directly behind their calls, names of letters, digits, `_` and
 * `-`, arguments that are objects, no message without text and calls, no call id twice.
 */
export function expectStrictChat(chat: readonly ChatMessage[]): void {
  const ids = new Set<string>()
  let open: string[] = []
  for (const message of chat) {
    if (message.role === 'tool') {
      expect(open).toContain(message.tool_call_id)
      open = open.filter((id) => id !== message.tool_call_id)
      continue
    }
    expect(open, 'calls without results').toEqual([])
    const calls = 'tool_calls' in message ? (message.tool_calls ?? []) : []
    if (calls.length === 0) expect(textOf(message.content), JSON.stringify(message)).not.toBe('')
    for (const { id, function: called } of calls) {
      expect(ids).not.toContain(id)
      ids.add(id)
      expect(called.name).toMatch(/^[\w-]{1,64}$/)
      expect(JSON.parse(called.arguments)).toEqual(expect.any(Object))
    }
    open = calls.map(({ id }) => id)
  }
  expect(open, 'calls without results').toEqual([])
}

function textOf(content: ChatMessage['content']): string {
  return (typeof content === 'string' ? content : JSON.stringify(content ?? '')).trim()
}
