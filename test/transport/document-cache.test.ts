import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { createDocumentCache } from '../../src/transport/document-cache.ts'
import { MAX_QUERY_CHARS } from '../../src/transport/receive/query-limits.ts'

const document = parse('{ __typename }')

test.each([
  ['many', 2_000, 10],
  ['large', 100, MAX_QUERY_CHARS],
])('the oldest give way when there are too %s', (_, count, length) => {
  const { documentCache } = createDocumentCache()
  const texts = Array.from({ length: count }, (_, index) => String(index).padEnd(length))
  for (const text of texts) documentCache?.set(text, document)
  const kept = texts.filter((text) => documentCache?.get(text) !== undefined)
  expect(kept).toEqual(texts.slice(-kept.length))
  expect(kept.length).toBeLessThanOrEqual(1_000)
  expect(kept.length * length).toBeLessThanOrEqual(500_000)
})
