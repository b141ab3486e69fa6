import { describe, expect, test } from 'vitest'
import { createToolCallAssembly, type ToolCallDelta } from '../../../src/chat/model/tool-call-assembly.ts'

describe('tool calls', () => {
  test('are joined by their index, however the deltas interleave', () => {
    expect(
      assemble([
        { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
        { index: 1, id: 'b', function: { name: 'g', arguments: '{"x"' } },
        { index: 0, function: { arguments: '}' } },
        { index: 1, function: { arguments: ':1}' } },
      ]),
    ).toEqual(['a f {}', 'b g {"x":1}'])
  })

  test('keep one id although every delta repeats it', () => {
    expect(
      assemble([
        { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
        { index: 0, id: 'a', function: { arguments: '}' } },
      ]),
    ).toEqual(['a f {}'])
  })

  test('without an index, or all with the same one, are told apart by their ids', () => {
    const whole = (index: number | undefined) => [
      { index, id: 'a', function: { name: 'f', arguments: '{}' } },
      { index, id: 'b', function: { name: 'g', arguments: '{}' } },
    ]
    expect(assemble(whole(undefined))).toEqual(['a f {}', 'b g {}'])
    expect(assemble(whole(0))).toEqual(['a f {}', 'b g {}'])
  })

  test('without an id are named by their place', () => {
    expect(assemble([{ function: { name: 'f', arguments: '{}' } }])).toEqual(['call_0 f {}'])
  })

  test('that the model was cut off in are left out, and no others', () => {
    const deltas = [
      { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } },
      { index: 1, id: 'b', function: { name: 'g', arguments: '{"x":' } },
    ]
    expect(assemble(deltas, 'LENGTH')).toEqual(['a f {}'])
    expect(assemble(deltas, 'TOOL_CALLS')).toEqual(['a f {}', 'b g {"x":'])
  })
})

function assemble(deltas: readonly ToolCallDelta[], reason: 'LENGTH' | 'TOOL_CALLS' = 'TOOL_CALLS'): string[] {
  const assembly = createToolCallAssembly()
  for (const delta of deltas) assembly.add(delta)
  return assembly.finish(reason).map((part) => `${part.toolCallId} ${part.toolName} ${part.arguments}`)
}
