import { describe, expect, test } from 'vitest'
import { createToolCallAssembly } from '../../../../src/chat/model/wire/tool-call-assembly.ts'

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

  test('that are whole pieces without an id, all with the same index, are told apart by their objects', () => {
    const whole = (name: string, text: string) => ({ index: 0, id: '', function: { name, arguments: text } })
    expect(assemble([whole('f', '{"x":1}'), whole('f', '{"x":2}'), whole('g', ' {}')])).toEqual([
      'call_0 f {"x":1}',
      'call_1 f {"x":2}',
      'call_2 g  {}',
    ])
  })

  test('at one index that begin without arguments are told apart by their ids', () => {
    const begin = (id: string) => ({ index: 0, id, function: { name: 'f', arguments: '' } })
    const more = (text: string) => ({ index: 0, id: '', function: { arguments: text } })
    expect(assemble([begin('a'), more('{"x"'), more(':1}'), begin('b'), more('{}')])).toEqual(['a f {"x":1}', 'b f {}'])
    expect(assemble([begin('a'), begin('b')])).toEqual(['a f {}', 'b f {}'])
  })

  test('at one index are joined by their ids when their pieces interleave', () => {
    expect(
      assemble([
        { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
        { index: 0, id: 'b', function: { name: 'g', arguments: '{"x"' } },
        { index: 0, id: 'a', function: { arguments: '}' } },
        { index: 0, id: 'b', function: { arguments: ':1}' } },
      ]),
    ).toEqual(['a f {}', 'b g {"x":1}'])
  })

  test('have one name although every piece repeats it', () => {
    const piece = (text: string) => ({ index: 0, function: { name: 'f', arguments: text } })
    expect(assemble([piece(''), piece('{"x":'), piece('{"y":1}'), piece('}'), piece('')])).toEqual([
      'call_0 f {"x":{"y":1}}',
    ])
  })

  test('keep their first id although every piece has a new one', () => {
    const piece = (id: string, text: string, name?: string) => ({ index: 0, id, function: { name, arguments: text } })
    expect(assemble([piece('a', '', 'f'), piece('b', '{"x"'), piece('c', ':1}')])).toEqual(['a f {"x":1}'])
    expect(assemble([piece('a', '{"x"', 'f'), piece('b', ':1', 'f'), piece('c', '}', 'f')])).toEqual(['a f {"x":1}'])
  })

  test('keep blank pieces inside of their arguments', () => {
    const pieces = ['{"q":"a', ' ', 'b"}'].map((text) => ({ index: 0, function: { arguments: text } }))
    expect(assemble([{ index: 0, id: 'a', function: { name: 'f' } }, ...pieces])).toEqual(['a f {"q":"a b"}'])
  })

  test('have an empty object for no arguments', () => {
    const call = (index: number, text?: string) => ({ index, id: `${index}`, function: { name: 'f', arguments: text } })
    expect(assemble([call(0), call(1, ''), call(2, ' ')])).toEqual(['0 f {}', '1 f {}', '2 f {}'])
  })

  test('without an id, or with that of another call, are named by their place', () => {
    expect(assemble([{ function: { name: 'f', arguments: '{}' } }])).toEqual(['call_0 f {}'])
    const same = [0, 1].map((index) => ({ index, id: 'f', function: { name: 'f', arguments: '{}' } }))
    expect(assemble(same)).toEqual(['f f {}', 'call_1 f {}'])
  })

  test('without a name are none', () => {
    expect(
      assemble([
        { index: 0, id: '', function: { name: '', arguments: '' } },
        { index: 1, id: 'a' },
      ]),
    ).toEqual([])
  })

  test('are given once although the model finishes twice', () => {
    const assembly = createToolCallAssembly()
    const call = (index: number) => ({ index, name: `f${index}`, arguments: '{}' })
    assembly.add([call(0)])
    expect(assembly.finish('TOOL_CALLS', false).map(({ toolCallId }) => toolCallId)).toEqual(['call_0'])
    assembly.add([call(1)])
    expect(assembly.finish('STOP', true).map(({ toolCallId }) => toolCallId)).toEqual(['call_1'])
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

interface Given {
  index?: number | undefined
  id?: string
  function?: { name?: string | undefined; arguments?: string | undefined }
}

/** Each piece in an event of its own. */
function assemble(given: readonly Given[], reason: 'LENGTH' | 'TOOL_CALLS' = 'TOOL_CALLS'): string[] {
  const assembly = createToolCallAssembly()
  for (const { index, id, function: called } of given) assembly.add([{ index, id, ...called }])
  return assembly.finish(reason, true).map((part) => `${part.toolCallId} ${part.toolName} ${part.arguments}`)
}
