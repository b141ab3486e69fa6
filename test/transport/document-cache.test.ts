import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { createDocumentCache, MAX_KEPT_CHARS } from '../../src/transport/document-cache.ts'

const document = parse('{ __typename }')

test('a document is kept, a long one is not', () => {
  const { documentCache } = createDocumentCache()
  const long = 'x'.repeat(MAX_KEPT_CHARS + 1)
  for (const text of ['short', long]) documentCache?.set(text, document)
  expect(['short', long].map((text) => documentCache?.get(text))).toEqual([document, undefined])
})

test.each([
  ['many', 2_000, 10],
  ['large', 100, MAX_KEPT_CHARS],
])('the oldest give way when there are too %s', (_, count, length) => {
  const { documentCache } = createDocumentCache()
  const texts = Array.from({ length: count }, (_, index) => String(index).padEnd(length))
  for (const text of texts) documentCache?.set(text, document)
  const kept = texts.filter((text) => documentCache?.get(text) !== undefined)
  expect(kept).toEqual(texts.slice(-kept.length))
  expect(kept.length).toBeLessThanOrEqual(1_000)
  expect(kept.length * length).toBeLessThanOrEqual(500_000)
})
