import type { FinishReason, ToolCallPart } from '../../memory/message.ts'

/** One piece of a tool call in a chat completions stream. */
export interface ToolCallDelta {
  index?: number | null | undefined
  id?: string | null | undefined
  function?: { name?: string | null | undefined; arguments?: string | null | undefined } | null | undefined
}

/** The tool calls of one answer while they come. */
export interface ToolCallAssembly {
  add(delta: ToolCallDelta): void
  /**
   * The whole calls that were not given yet, in the order of their beginnings; those without a name, and
   * those that the model was cut off in, are left out.
   */
  finish(reason: FinishReason): ToolCallPart[]
}

interface OpenCall {
  index: number
  id: string
  name: string
  argumentsText: string
  /** The last piece of the arguments that is not blank. */
  lastPiece: string
}

/**
 * Joins deltas by their index. Servers that leave the index out, or give several calls the same one, are
 * understood by ids, names and whole arguments: see `beginsAnother`.
 */
export function createToolCallAssembly(): ToolCallAssembly {
  const calls: OpenCall[] = []
  let given = 0

  function callOf(delta: ToolCallDelta): OpenCall {
    const { index, id } = delta
    const candidates = calls.filter((call) => index == null || call.index === index)
    const call = candidates.find((candidate) => id && candidate.id === id) ?? candidates.at(-1)
    if (call !== undefined && !beginsAnother(delta, call)) return call
    const begun = { index: index ?? calls.length, id: '', name: '', argumentsText: '', lastPiece: '' }
    calls.push(begun)
    return begun
  }

  return {
    add: (delta) => {
      const call = callOf(delta)
      const { name, arguments: text } = delta.function ?? {}
      call.id ||= delta.id ?? ''
      // Some servers repeat it in every piece.
      if (name && name !== call.name) call.name += name
      if (!text) return
      call.argumentsText += text
      if (text.trim() !== '') call.lastPiece = text
    },
    finish: (reason) => {
      const whole = calls.filter(({ name, argumentsText }) => name !== '' && isWhole(argumentsText, reason))
      const parts = whole.map(toPart).slice(given)
      given = whole.length
      return parts
    },
  }
}

/**
 * Whether a delta at the place of a call is the first of another one. Only a first one must have a name; but
 * some servers repeat the name, or make a new id, in every piece of a call. An object that has ended and an
 * object that begins are never one.
 */
function beginsAnother({ id, function: called }: ToolCallDelta, call: OpenCall): boolean {
  if (!called?.name || (id && id === call.id)) return false
  const hasOtherId = Boolean(id && call.id)
  if (call.lastPiece === '') return hasOtherId
  if (called.name !== call.name) return true
  const text = called.arguments?.trimStart() ?? ''
  return call.lastPiece.trimEnd().endsWith('}') && (text.startsWith('{') || (hasOtherId && text === ''))
}

function isWhole(argumentsText: string, reason: FinishReason): boolean {
  if (reason === 'STOP' || reason === 'TOOL_CALLS') return true
  try {
    JSON.parse(argumentsText)
    return true
  } catch {
    return false
  }
}

/** A call without an id of its own can still be answered by its place. */
function toPart(
  { id, name, argumentsText, lastPiece }: OpenCall,
  place: number,
  all: readonly OpenCall[],
): ToolCallPart {
  const isOwnId = id !== '' && all.findIndex((call) => call.id === id) === place
  const toolCallId = isOwnId ? id : `call_${place}`
  return { type: 'toolCall', toolCallId, toolName: name, arguments: lastPiece === '' ? '{}' : argumentsText }
}
