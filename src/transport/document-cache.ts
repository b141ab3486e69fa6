import type { DocumentNode } from 'graphql'
import type { YogaServerOptions } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'

type CacheOptions = Exclude<YogaServerOptions<object, object>['parserAndValidationCache'], boolean | undefined>

const MAX_DOCUMENTS = 1_000
/** A parsed document takes about 100 bytes a character. */
const MAX_ALL_CHARS = 500_000

/**
 * Documents that are parsed and validated once, bounded by number and by their length in all: Yoga's own
 * cache is bounded by number only. Syntax errors are not kept: Yoga's would give the answer of one transport to another.
 */
export function createDocumentCache(): CacheOptions {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      max: MAX_DOCUMENTS,
      maxSize: MAX_ALL_CHARS,
      sizeCalculation: (_, text) => text.length,
    }),
    errorCache: { get: () => undefined, set() {} },
  }
}
