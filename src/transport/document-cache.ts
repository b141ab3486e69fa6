import type { DocumentNode } from 'graphql'
import type { YogaServerOptions } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'

type CacheOptions = Exclude<YogaServerOptions<object, object>['parserAndValidationCache'], boolean | undefined>

const MAX_DOCUMENTS = 1_000
/** A parsed document takes about 100 bytes of heap a character. */
const MAX_ALL_CHARS = 500_000

/**
 * A cache of parsed and validated documents, bounded by their number and by their characters in all: Yoga's own
 * is bounded by number only. It keeps no syntax errors: Yoga would answer one transport with another's error.
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
