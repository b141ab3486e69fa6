import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { deltaChunk, type Script, textChunk } from '../support/openai-scripts.ts'
import { answerEvent, answerMany, eventText, forever, toolCall } from './provider-scripts.ts'

const MB = 1_000_000
const STEP_MS = 100

/** An event of as much as one may be, by what it is full of: its name, a unit, and what stands around. */
const FULL_EVENTS = [
  ['choices', '{},', '{"choices":[', ']}'],
  ['values', '{},', '[', ']'],
  ['texts', '{}', '', ''],
  ['content', '"a",', '{"choices":[{"index":0,"delta":{"content":[', ']}}]}'],
  ['thoughts', '{"type":"thinking","thinking":"a"},"b",', '{"choices":[{"index":0,"delta":{"content":[', ']}}]}'],
  ['pieces', '{"index":0,"function":{"arguments":"1"}},', '{"choices":[{"index":0,"delta":{"tool_calls":[', ']}}]}'],
] as const

/** In the places of counts, indexes, ids and texts. */
const NUMBERS = ['1e400', '-1', '1.5', '9007199254740993', '-0', '1e21', '"12"', 'null'].flatMap((number) => [
  `{"choices":[{"index":${number},"delta":{"content":${number}}}]}`,
  `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":${number},"id":${number},"function":{"name":${number}}}]}}]}`,
  `{"choices":[],"usage":{"prompt_tokens":${number},"completion_tokens":${number}}}`,
])

/** What is no answer, or no end of one, by a name for each. */
export const JUNK: readonly (readonly [string, Script])[] = [
  [
    'bytes-at-random',
    async (call) => {
      await call.startStream()
      let bytes: Uint8Array = Uint8Array.of(1)
      await forever(() => {
        bytes = createHash('shake256', { outputLength: 65_536 }).update(bytes).digest()
        return call.chunk(bytes)
      })
    },
  ],
  [
    'json-at-random',
    (call) => {
      const events = fc.sample(anyEvent(), { numRuns: 5_000, seed: 1 })
      return answerMany(call, events.length, (index) => events[index])
    },
  ],
  ['numbers-out-of-range', (call) => answerMany(call, NUMBERS.length, (index) => NUMBERS[index])],
  [
    'line-of-100-mb',
    async (call) => {
      await call.startStream()
      await call.chunk('data: "')
      for (let sent = 0; sent < 100; sent++) await call.chunk('x'.repeat(MB))
    },
  ],
  ['tool-calls-1000000', (call) => answerMany(call, MB, toolCall)],
  [
    'finish-reasons-over-1-mb',
    (call) =>
      answerMany(call, 2_000, (index) => {
        if (index === 0) return deltaChunk({ tool_calls: [{ index, function: { name: 'f', arguments: '{"a":"' } }] })
        if (index > 10) return { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] }
        return deltaChunk({ tool_calls: [{ index: 0, function: { arguments: 'x'.repeat(MB / 10) } }] })
      }),
  ],
  [
    'headers-without-end',
    async (call) => {
      await call.write('HTTP/1.1 200 OK\r\n')
      await forever(() => call.write(`x: ${'x'.repeat(1_000)}\r\n`))
    },
  ],
  ['length-too-long', (call) => call.respond(200, eventText(textChunk('Hello')), { 'content-length': '99999' })],
  ['length-too-short', (call) => call.respond(200, eventText(textChunk('Hello')), { 'content-length': '20' })],
  [
    'letters-drop-by-drop',
    async (call) => {
      await call.startStream()
      await call.chunk('data: {"choices":[{"index":0,"delta":{"content":"')
      await drip(() => call.chunk('x'))
    },
  ],
  [
    'comments-drop-by-drop',
    async (call) => {
      await call.startStream()
      await drip(() => call.chunk(': still here\n\n'))
    },
  ],
  ...FULL_EVENTS.map(([name, unit, begin, end]): [string, Script] => [
    `megabyte-of-${name}`,
    answerEvent(() => `${begin}${unit.repeat(MB / unit.length).replace(/,$/, '')}${end}`),
  ]),
]

/** Events of the right outer form, with anything in them. */
function anyEvent(): fc.Arbitrary<unknown> {
  const value = fc.jsonValue({ maxDepth: 4 })
  const call = fc.record({ index: value, id: value, function: fc.record({ name: value, arguments: value }) })
  const delta = fc.record({ content: value, reasoning_content: value, tool_calls: fc.oneof(value, fc.array(call)) })
  return fc.record({
    choices: fc.array(fc.record({ index: fc.constant(0), delta, finish_reason: fc.constant(null) }), { maxLength: 2 }),
    usage: value,
  })
}

/** A piece ten times a second, until the other side has gone. */
function drip(send: () => Promise<void>): Promise<void> {
  return forever(async () => {
    await send()
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  })
}
