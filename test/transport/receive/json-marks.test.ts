import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSoonParsed, MAX_JSON_MARKS } from '../../../src/transport/receive/json-marks.ts'

/** Quotes and backslashes in any row, with long runs of neither, and marks that count for nothing within a string. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom('"', '\\', '\\\\', '[', ',', 'ü'),
      fc.nat(100).map((count) => 'x'.repeat(count)),
    ),
    {
      maxLength: 60,
    },
  )
  .map((pieces) => pieces.join(''))

test('marks are counted outside of strings only, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
      // One bracket, and a comma before each value but the first.
      const values = [...texts, 'y'.repeat(100_000), ...Array(MAX_JSON_MARKS - texts.length - 1).fill(0)]
      expect(isSoonParsed(Buffer.from(JSON.stringify(values)))).toBe(true)
      expect(isSoonParsed(Buffer.from(JSON.stringify([...values, 0])))).toBe(false)
    }),
    { numRuns: 50 },
  )
})

test('a string that does not end is no more than one', () => {
  expect(isSoonParsed(Buffer.from(`["${','.repeat(200_000)}`))).toBe(true)
  expect(isSoonParsed(Buffer.from(`["${',\\"'.repeat(100_000)}\\`))).toBe(true)
})
