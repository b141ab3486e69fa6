import type { MessagePart } from '../memory/message.ts'

/** The result of a call as chat completions APIs take it. */
export interface ToolAnswer {
  role: 'tool'
  tool_call_id: string
  content: string
}

/** Gives the results of one conversation to its calls. */
export interface ToolAnswers {
  /**
   * Takes the parts of the next message. Returns the answers of its calls, in their order, each under an id of its own;
   * the results of later messages still go into them.
   */
  take(parts: readonly MessagePart[]): ToolAnswer[]
}

const NO_RESULT = '[no result]'
const EMPTY_RESULT = '[empty result]'

/** The answers of one id's calls in one message, and how many results have come for them. */
interface OpenAnswers {
  answers: ToolAnswer[]
  results: number
}

/** Before the first message of a conversation. */
export function createToolAnswers(): ToolAnswers {
  const uniqueId = createUniqueIds()
  /** Of each id the newest message that calls by it: servers without ids count from zero in every turn. */
  const open = new Map<string, OpenAnswers>()

  function take(parts: readonly MessagePart[]): ToolAnswer[] {
    const own = new Map<string, OpenAnswers>()
    return parts.flatMap((part) => {
      if (part.type === 'toolResult') placeResult(part.output, open.get(part.toolCallId))
      if (part.type !== 'toolCall') return []
      const { toolCallId: id } = part
      const answer: ToolAnswer = { role: 'tool', tool_call_id: uniqueId(id), content: NO_RESULT }
      const opened = own.get(id) ?? { answers: [], results: 0 }
      opened.answers.push(answer)
      own.set(id, opened)
      open.set(id, opened)
      return [answer]
    })
  }

  return { take }
}

/** To one call after the other, and from the first one on again: of several results the newest counts. */
function placeResult(output: string, opened: OpenAnswers | undefined): void {
  const answer = opened?.answers[opened.results % opened.answers.length]
  if (opened === undefined || answer === undefined) return
  opened.results += 1
  answer.content = output.trim() === '' ? EMPTY_RESULT : output
}

/** Writes an id that was there already otherwise. */
function createUniqueIds(): (id: string) => string {
  const taken = new Set<string>()
  /** By id the next number that is tried behind it: from two on for each one would take the square of their count. */
  const numbers = new Map<string, number>()
  return (id) => {
    let unique = id
    for (let number = numbers.get(id) ?? 2; taken.has(unique); number += 1) {
      unique = `${id}_${number}`
      numbers.set(id, number + 1)
    }
    taken.add(unique)
    return unique
  }
}
