import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelError } from '../../../../src/chat/model/chat-model.ts'
import { readAnswer } from '../../../../src/chat/model/wire/read-answer.ts'
import { bodyPieces, readStreamCases } from '../../../support/stream-case.ts'

const bodies = readStreamCases(new URL('../cases/', import.meta.url)).flatMap(({ upstream }) => {
  return [upstream].flat().map((answer) => Buffer.concat(bodyPieces(answer).map(({ bytes }) => bytes)))
})

/** Texts whose characters take one to four bytes, halves of pairs, and what the wire itself is written in. */
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'é',
      '世',
      '👋',
      '\ud83d',
      '\ude00',
      '\n',
      '\r',
      '"',
      '{',
      '}',
      ']',
      '<think>',
      ' data: ',
      '\0',
    ),
  )
  .map((pieces) => pieces.join(''))
const call = fc.record({
  index: fc.nat(2),
  id: fc.constantFrom('a', 'b', ''),
  function: fc.record({ name: text, arguments: text }),
})
const delta = fc.record(
  { content: text, reasoning_content: text, tool_calls: fc.array(call, { maxLength: 2 }) },
  { requiredKeys: [] },
)
const chunk = fc.record({
  choices: fc.tuple(
    fc.record({ index: fc.constant(0), delta, finish_reason: fc.constantFrom(null, null, 'stop', 'length') }),
  ),
  usage: fc.constantFrom(null, { prompt_tokens: 3, completion_tokens: 4 }),
})
const value = fc.oneof(
  { weight: 6, arbitrary: chunk },
  fc.constantFrom({ error: { message: 'busy', code: 503 } }, {}, [], { object: 'ping' }),
)
const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
/** One event in any of the frames that servers have for it. */
const block = fc
  .tuple(
    value,
    lineEnd,
    fc.constantFrom<'data' | 'pretty' | 'close' | 'bare' | 'named'>('data', 'pretty', 'close', 'bare', 'named'),
  )
  .map(([given, end, frame]) => {
    const json = JSON.stringify(given)
    if (frame === 'pretty')
      return [
        ...JSON.stringify(given, null, 1)
          .split('\n')
          .map((line) => `data: ${line}`),
        '',
        '',
      ].join(end)
    if (frame === 'close') return `data:${json}${end}`
    if (frame === 'bare') return `${json}${end}`
    if (frame === 'named') return `event: chunk${end}id: 7${end}data: ${json}${end}${end}`
    return `data: ${json}${end}${end}`
  })
const other = fc.tuple(
  fc.constantFrom(': ping', 'retry: 5', 'data:', '', 'data: [DONE]', 'Busy', 'event: error'),
  lineEnd,
)
const generated = fc
  .tuple(
    fc.constantFrom('', '', '\ufeff'),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: block },
        other.map((line) => line.join('')),
      ),
      { maxLength: 8 },
    ),
    fc.array(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 })), { maxLength: 1 }),
  )
  .map(([mark, blocks, [broken]]) => {
    const bytes = Buffer.from([mark, ...blocks].join(''))
    if (broken === undefined) return bytes
    const place = broken[0] % (bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, place), broken[1], bytes.subarray(place)])
  })

test.each([
  ['of the cases', fc.constantFrom(...bodies)],
  ['in any frame, with any line ends, also one that is no UTF-8', generated],
])('any body %s says the same, wherever it is cut', async (_which, arbitrary) => {
  const cuts = fc.oneof(
    { weight: 9, arbitrary: fc.array(fc.nat(), { maxLength: 12 }) },
    fc.constant('everywhere' as const),
  )
  await fc.assert(
    fc.asyncProperty(arbitrary, cuts, async (body, places) => {
      expect(await read(cut(body, places))).toEqual(await read([body]))
    }),
    { numRuns: 1_000 },
  )
})

test('junk ends as an answer or as an error that says so, and never as another one', async () => {
  const event = fc.record(
    {
      choices: fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.record({
            index: fc.jsonValue(),
            delta: fc.jsonValue(),
            message: fc.jsonValue(),
            finish_reason: fc.jsonValue(),
          }),
        ),
      ),
      error: fc.jsonValue(),
      usage: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const line = fc.oneof(
    event.map((value) => `data: ${JSON.stringify(value)}\n\n`),
    fc.string().map((text) => `data: ${text}\n`),
    fc.string(),
    fc.constantFrom('[', '{', '}', '"', '\\', '\r', '\n', 'data: [DONE]\n', 'event: error\n'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const { error } = await read([Buffer.from(lines.join(''))])
      if (error !== undefined) expect(error).toMatchObject({ isOurs: true, code: expect.stringMatching(/^MODEL_/) })
    }),
    { numRuns: 1_000 },
  )
})

test('no text of a message or a delta is lost, whatever it says again', async () => {
  const said = fc.constantFrom('a', 'b', 'ab', 'aa', 'ba', 'aab', 'abab', ' ', ' b')
  const choice = fc.record(
    {
      delta: fc.record({ content: said }),
      message: fc.record({ content: said }),
      text: said,
      finish_reason: fc.constantFrom(null, null, 'stop'),
    },
    { requiredKeys: [] },
  )
  const whole = fc.array(said, { maxLength: 6 }).map((texts) => texts.join(''))
  const grown = whole.map((text) => [...text].map((_, at) => ({ message: { content: text.slice(0, at + 1) } })))
  const answer = fc.oneof(fc.array(choice, { maxLength: 8 }), grown)
  await fc.assert(
    fc.asyncProperty(answer, async (choices) => {
      const body = [...choices, { delta: { content: '.' }, finish_reason: 'stop' }].map((one) => {
        return `data: ${JSON.stringify({ choices: [{ index: 0, ...one }] })}\n\n`
      })
      const answered = await read([Buffer.from([...body, 'data: [DONE]\n\n'].join(''))])
      const heard = answered.text.text + JSON.stringify(answered.said.part ?? '')
      const lost = choices.flatMap((one: { message?: { content: string }; text?: string }) => {
        return [one.message?.content ?? '', one.text ?? ''].filter((text) => !heard.includes(text.trim()))
      })
      expect(lost).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

function cut(body: Buffer, places: readonly number[] | 'everywhere'): Uint8Array[] {
  if (places === 'everywhere') return [...body].map((byte) => Uint8Array.of(byte))
  const ends = [...places.map((place) => place % (body.length + 1)).toSorted((a, b) => a - b), body.length]
  return ends.map((end, index) => body.subarray(index > 0 ? ends[index - 1] : 0, end))
}

/** All that was said, text by text, and how it ended. */
async function read(pieces: readonly Uint8Array[]) {
  const said: Record<string, unknown[]> = {}
  const text = { text: '', reasoning: '' }
  try {
    const body = Readable.toWeb(Readable.from(pieces)) as ReadableStream<Uint8Array>
    for await (const events of readAnswer(body, {})) {
      for (const event of events) {
        if (event.type === 'text' || event.type === 'reasoning') text[event.type] += event.text
        // Of usage and finish reasons the last counts.
        else if (event.type === 'usage' || event.type === 'finish') said[event.type] = [event]
        else if (event.type !== 'activity') said[event.type] = [...(said[event.type] ?? []), event]
      }
    }
  } catch (error) {
    const isOurs = error instanceof ModelError
    return { said, text, error: { isOurs, code: isOurs ? error.code : '', message: String(error) } }
  }
  return { said, text }
}
