import type { DocumentNode } from 'graphql'
import type { YogaServerOptions } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'

type CacheOptions = Exclude<YogaServerOptions<object, object>['parserAndValidationCache'], boolean | undefined>

/** Longer documents are nobody's daily query, and are parsed each time. */
export const MAX_KEPT_CHARS = 20_000
const MAX_DOCUMENTS = 1_000
/** A parsed document takes about 100 bytes a character. */
const MAX_ALL_CHARS = 500_000

/**
 * Documents that are parsed and validated once, bounded by number and by length: Yoga's own cache keeps
 * a thousand of any length. Syntax errors are not kept: Yoga's would give the answer of one transport to another.
 */
export function createDocumentCache(): CacheOptions {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      max: MAX_DOCUMENTS,
      maxSize: MAX_ALL_CHARS,
      maxEntrySize: MAX_KEPT_CHARS,
      sizeCalculation: (_, text) => text.length,
    }),
    errorCache: { get: () => undefined, set() {} },
  }
}
