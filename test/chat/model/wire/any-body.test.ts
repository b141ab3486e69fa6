import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelError } from '../../../../src/chat/model/chat-model.ts'
import { readAnswer } from '../../../../src/chat/model/wire/read-answer.ts'
import { bodyPieces, readStreamCases } from '../../../support/stream-case.ts'

const bodies = readStreamCases(new URL('../cases/', import.meta.url)).flatMap(({ upstream }) => {
  return [upstream].flat().map((answer) => Buffer.concat(bodyPieces(answer).map(({ bytes }) => bytes)))
})

test('any body of the cases says the same, wherever it is cut', async () => {
  const cuts = fc.array(fc.nat(4_000), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...bodies), cuts, async (bytes, places) => {
      const ends = [...places.filter((place) => place < bytes.length).toSorted((a, b) => a - b), bytes.length]
      const pieces = ends.map((end, index) => bytes.subarray(index > 0 ? ends[index - 1] : 0, end))
      expect(await read(pieces)).toEqual(await read([bytes]))
    }),
    { numRuns: 500 },
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
