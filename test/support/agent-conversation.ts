import type { MessagePart, NewMessage } from '../../src/memory/message.ts'
import { realisticText } from './texts.ts'

/** A round: u(ser), a(ssistant), as many calls as the digit says, t for the next result, T for all that are left. */
const ROUND = 'u1t2tt3T1tau'

/** The messages of a round. */
export const ROUND_LENGTH = ROUND.length

/**
 * What an agent says in rounds of twelve messages. A third of them only call tools, under ids that repeat in
 * every message, as those of servers without ids do; the results are of `resultLength` characters each, in a
 * message of their own or several in one.
 */
export function agentConversation(rounds: number, resultLength: number): NewMessage[] {
  let open: string[] = []
  let results = 0
  const resultOf = (toolCallId: string): MessagePart => {
    results += 1
    const output = `Result ${results}. ${realisticText(resultLength)}`.slice(0, resultLength).toWellFormed()
    return { type: 'toolResult', toolCallId, output }
  }
  return [...ROUND.repeat(rounds)].map((letter, index): NewMessage => {
    if (letter === 't' || letter === 'T') {
      const answered = open.slice(0, letter === 't' ? 1 : open.length)
      open = open.slice(answered.length)
      return { role: 'TOOL', parts: answered.map(resultOf) }
    }
    if (letter === 'u' || letter === 'a') {
      return { role: letter === 'u' ? 'USER' : 'ASSISTANT', parts: [{ type: 'text', text: `Message ${index}.` }] }
    }
    open = Array.from({ length: Number(letter) }, (_, place) => `call_${place}`)
    return { role: 'ASSISTANT', parts: open.map((toolCallId) => callOf(toolCallId, index)) }
  })
}

function callOf(toolCallId: string, index: number): MessagePart {
  return { type: 'toolCall', toolCallId, toolName: 'read_file', arguments: JSON.stringify({ path: `src/${index}.ts` }) }
}
