import { type DocumentNode, GraphQLError, Kind, visit } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { QueryTooComplexError } from '../../errors.ts'

/** What a query may be made of. Checked before it is parsed or validated. */
export const MAX_QUERY_CHARS = 20_000
export const MAX_QUERY_TOKENS = 1_000
/** Fields under one name are compared in pairs, each taking a microsecond, wherever they stand. */
export const MAX_SAME_NAMES = 50

const MAX_SHOWN_CHARS = 64
const TOO_MANY_TOKENS = /^Syntax Error: Document contains more than \d+ tokens/

/**
 * Refuses queries that would take long to parse or to validate, on every transport, with QueryTooComplexError.
 * Within the limits the worst queries known take 10 ms. GraphiQL's introspection, the longest query in daily
 * use, has 184 tokens.
 */
export function createQueryLimits(): Plugin {
  return {
    onParse({ params: { source }, parseFn, setParseFn }) {
      const { length } = typeof source === 'string' ? source : source.body
      if (length > MAX_QUERY_CHARS) throw new QueryTooComplexError(`${MAX_QUERY_CHARS} characters`, String(length))
      // Called only for documents that are not cached: those in the cache were checked before.
      setParseFn((text, options) => {
        const document: DocumentNode = parseFewTokens(() => parseFn(text, { ...options, maxTokens: MAX_QUERY_TOKENS }))
        checkNames(document)
        return document
      })
    },
  }
}

function parseFewTokens(parse: () => DocumentNode): DocumentNode {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof GraphQLError && TOO_MANY_TOKENS.test(error.message))) throw error
    throw new QueryTooComplexError(`${MAX_QUERY_TOKENS} tokens`, 'more')
  }
}

/** A bare name is not counted: two of them are compared at once, and all queries are full of `id`. */
function checkNames(document: DocumentNode): void {
  const counts = new Map<string, number>()
  visit(document, {
    [Kind.FIELD]: ({ name, alias, arguments: args, directives, selectionSet }) => {
      if (!(alias || args?.length || directives?.length || selectionSet)) return
      const key = (alias ?? name).value
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
  })
  for (const [name, count] of counts) {
    if (count <= MAX_SAME_NAMES) continue
    throw new QueryTooComplexError(
      `${MAX_SAME_NAMES} fields of one name`,
      `${count} of ${name.slice(0, MAX_SHOWN_CHARS)}`,
    )
  }
}
