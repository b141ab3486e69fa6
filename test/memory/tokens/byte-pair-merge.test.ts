import fc from 'fast-check'
import rawRanks from 'gpt-tokenizer/bpeRanks/cl100k_base'
import { encode } from 'gpt-tokenizer/encoding/cl100k_base'
import { expect, test } from 'vitest'
import { mergeBytePairs } from '../../../src/memory/tokens/byte-pair-merge.ts'

/** Byte-pair encoding as it is usually written: look for the lowest rank, merge, look again. */
function mergeSlowly(text: string, ranks: ReadonlyMap<string, number>): number {
  const tokens = [...text]
  while (true) {
    const pairs = tokens
      .slice(1)
      .map((token, index) => ranks.get(`${tokens[index]}${token}`) ?? Number.POSITIVE_INFINITY)
    const lowest = Math.min(...pairs)
    if (lowest === Number.POSITIVE_INFINITY) return tokens.length
    const at = pairs.indexOf(lowest)
    tokens.splice(at, 2, `${tokens[at]}${tokens[at + 1]}`)
  }
}

function merge(text: string, ranks: ReadonlyMap<string, number>): number {
  return mergeBytePairs(text.length, (start, end) => ranks.get(text.slice(start, end)))
}

test('any text merges with any vocabulary as in the usual loop', () => {
  const letters = fc.constantFrom('a', 'b', 'c')
  const vocabulary = fc.uniqueArray(fc.string({ unit: letters, minLength: 2, maxLength: 6 }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 80 }), vocabulary, (text, words) => {
      const ranks = new Map(words.map((word, rank) => [word, rank]))
      expect(merge(text, ranks)).toBe(mergeSlowly(text, ranks))
    }),
    { numRuns: 3_000 },
  )
})

test('letters merge with a real vocabulary as in the library', () => {
  const ranks = new Map(rawRanks.flatMap((token, rank) => (typeof token === 'string' ? [[token, rank] as const] : [])))
  const letters = fc.constantFrom(...'aaabcdeeefghiijklmnooopqrrsstttuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')
  fc.assert(
    fc.property(fc.string({ unit: letters, minLength: 1, maxLength: 300 }), (text) => {
      expect(merge(text, ranks)).toBe(encode(text).length)
    }),
    { numRuns: 1_000 },
  )
})

test('nothing is no token and a single byte is one', () => {
  expect(mergeBytePairs(0, () => undefined)).toBe(0)
  expect(mergeBytePairs(1, () => undefined)).toBe(1)
})

test('a long run of one letter asks for a rank a few times per letter', () => {
  const ranks = new Map([
    ['aa', 0],
    ['aaaa', 1],
    ['aaaaaaaa', 2],
  ])
  let asked = 0
  const tokens = mergeBytePairs(100_000, (start, end) => {
    asked += 1
    return ranks.get('a'.repeat(end - start))
  })
  expect(tokens).toBe(12_500)
  expect(asked).toBeLessThan(300_000)
})
