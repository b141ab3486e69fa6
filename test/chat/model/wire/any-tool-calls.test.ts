import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createToolCallAssembly, type ToolCallPiece } from '../../../../src/chat/model/wire/tool-call-assembly.ts'

/** A call as a model means it. */
interface Call {
  id: string
  name: string
  arguments: string
}

const argumentTexts = fc
  .oneof(
    fc.constantFrom('{}', '{"q":"a b"}', '{"q":"}{"}', ' {"a": [1, {"b": "\\"\\u00e9"}]}\n', '{"世":"👋"}'),
    fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map(textOf),
  )
  .filter((text) => text.length < 200)
const names = fc.constantFrom('f', 'g', 'get_weather', 'get_weather_now')
const calls: fc.Arbitrary<Call[]> = fc
  .array(fc.record({ name: names, arguments: argumentTexts }), { minLength: 1, maxLength: 5 })
  .map((some) => some.map((call, index) => ({ ...call, id: `call_${'xyzuv'[index]}` })))

/** The text in pieces; some may be empty. */
const cutOf = (text: string) =>
  fc.array(fc.nat(text.length), { maxLength: 4 }).map((places) => {
    const ends = [...places.toSorted((a, b) => a - b), text.length]
    return ends.map((end, index) => text.slice(index > 0 ? ends[index - 1] : 0, end))
  })

/** The pieces of each call in their order, and those of several calls in any. */
function interleaved(perCall: readonly ToolCallPiece[][]): fc.Arbitrary<ToolCallPiece[]> {
  const turns = perCall.flatMap((pieces, call) => pieces.map(() => call))
  return fc.shuffledSubarray(turns, { minLength: turns.length }).map((order) => {
    const next = perCall.map((pieces) => pieces.values())
    return order.flatMap((call) => next[call]?.next().value ?? [])
  })
}

/** What an event may say of a field that it has said, or will say later. */
const absent = fc.constantFrom(undefined, '')

/** By their indexes, which come with each piece: those of OpenAI, and of all who do as they do. */
const numbered = calls.chain((some) => {
  const perCall = some.map((call, index) => numberedPieces(call, index))
  return fc.tuple(...perCall).chain((pieces) => interleaved(pieces).map((all) => ({ some, events: eachAlone(all) })))
})

function numberedPieces({ id, name, arguments: text }: Call, index: number): fc.Arbitrary<ToolCallPiece[]> {
  const begun = fc.constantFrom<'once' | 'repeated' | 'new each time' | 'never'>(
    'once',
    'repeated',
    'new each time',
    'never',
  )
  return fc.tuple(begun, fc.boolean(), cutOf(name), cutOf(text), absent).map(([ids, isNameCut, nameCut, cut, none]) => {
    // A name and another id begin another call.
    const nameBegin = isNameCut && ids !== 'new each time' ? nameCut.filter((piece) => piece !== '') : [name]
    const idAt = (place: number) => {
      if (ids === 'never' || (ids === 'once' && place > 0)) return none
      return ids === 'new each time' && place > 0 ? `${id}_${place}` : id
    }
    const begin = nameBegin.map((piece): ToolCallPiece => ({ name: piece, arguments: none }))
    const rest = cut.map((piece): ToolCallPiece => ({ name: none, arguments: piece }))
    return [...begin, ...rest].map((piece, place) => ({ ...piece, index, id: idAt(place) }))
  })
}

/** One call behind the other, where pieces say by nothing to which they belong. */
const oneByOne = fc.tuple(calls, fc.constantFrom(undefined, 0), fc.boolean()).chain(([some, index, isRepeated]) => {
  const perCall = some.map(({ id, name, arguments: text }) =>
    cutOf(text).map((cut) =>
      cut.map((piece, place): ToolCallPiece => {
        if (place === 0) return { index, id, name, arguments: piece }
        return { index, ...(isRepeated && { id }), arguments: piece }
      }),
    ),
  )
  return fc.tuple(...perCall).map((pieces) => ({ some, events: eachAlone(pieces.flat()) }))
})

/** By their ids alone, which come with each piece. */
const byId = calls.chain((some) => {
  const perCall = some.map(({ id, name, arguments: text }) =>
    cutOf(text).map((cut) =>
      cut.map((piece, place): ToolCallPiece => ({ id, ...(place === 0 && { name }), arguments: piece })),
    ),
  )
  return fc.tuple(...perCall).chain((pieces) => interleaved(pieces).map((all) => ({ some, events: eachAlone(all) })))
})

/** Whole calls, in one event or each in its own, numbered, all alike or not at all, with ids or without. */
const whole = fc
  .tuple(calls, fc.constantFrom('numbered', 'zero', 'none'), fc.constantFrom('own', 'none', 'alike'), fc.boolean())
  .map(([some, indexes, ids, isOneEvent]) => {
    const pieces = some.map(
      ({ id, name, arguments: text }, place): ToolCallPiece => ({
        index: indexes === 'numbered' ? place : indexes === 'zero' ? 0 : undefined,
        id: ids === 'own' ? id : ids === 'alike' ? 'same' : undefined,
        name,
        arguments: text,
      }),
    )
    return {
      some,
      events: isOneEvent ? [pieces] : eachAlone(pieces),
      isTold: indexes === 'numbered' || ids !== 'alike',
    }
  })
  // Without a number, one id in two events is one call that is sent again.
  .filter(({ isTold, events }) => isTold || events.length === 1)

test.each([
  ['numbered', numbered],
  ['one by one', oneByOne],
  ['by their ids', byId],
  ['whole', whole],
])('calls that come %s are whole, whatever the order of their pieces, and no two have one id', (_way, arbitrary) => {
  fc.assert(
    fc.property(arbitrary, ({ some, events }) => {
      const parts = assemble(events)
      const read = parts.map(({ toolName, arguments: text }) => ({ name: toolName, arguments: text }))
      const meant = some.map(({ name, arguments: text }) => ({ name, arguments: text }))
      expect(read.map(textOf).toSorted()).toEqual(meant.map(textOf).toSorted())
      expect(new Set(parts.map(({ toolCallId }) => toolCallId)).size).toBe(parts.length)
      for (const { id, name } of some) {
        const isGiven = events.flat().some((piece) => piece.id === id)
        if (isGiven) expect(parts.find(({ toolCallId }) => toolCallId === id)?.toolName).toBe(name)
      }
    }),
    { numRuns: 1_000 },
  )
})

function assemble(events: readonly ToolCallPiece[][]) {
  const assembly = createToolCallAssembly()
  for (const pieces of events) assembly.add(pieces)
  return assembly.finish('TOOL_CALLS', true)
}

function eachAlone(pieces: readonly ToolCallPiece[]): ToolCallPiece[][] {
  return pieces.map((piece) => [piece])
}

function textOf(value: unknown): string {
  return JSON.stringify(value)
}
