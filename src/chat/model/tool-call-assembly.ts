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
  /** The whole calls, in the order of their beginnings; those that the model was cut off in are left out. */
  finish(reason: FinishReason): ToolCallPart[]
}

/**
 * Joins deltas by their index. Servers that leave the index out, or give several calls the same one, are
 * understood by the ids: another id begins another call.
 */
export function createToolCallAssembly(): ToolCallAssembly {
  const calls: { index: number; id: string; name: string; argumentsText: string }[] = []

  function callOf({ index, id }: ToolCallDelta) {
    const call = calls.findLast((candidate) => index == null || candidate.index === index)
    if (call !== undefined && (!id || call.id === '' || call.id === id)) return call
    const begun = { index: index ?? calls.length, id: '', name: '', argumentsText: '' }
    calls.push(begun)
    return begun
  }

  return {
    add: (delta) => {
      const call = callOf(delta)
      if (delta.id) call.id = delta.id
      call.name += delta.function?.name ?? ''
      call.argumentsText += delta.function?.arguments ?? ''
    },
    finish: (reason) =>
      calls
        .filter(({ argumentsText }) => reason === 'STOP' || reason === 'TOOL_CALLS' || isJson(argumentsText))
        .map(({ id, name, argumentsText }, place) => ({
          type: 'toolCall',
          // A call without an id can still be answered by its place.
          toolCallId: id || `call_${place}`,
          toolName: name,
          arguments: argumentsText,
        })),
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
