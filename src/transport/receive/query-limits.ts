import { type ASTNode, type DocumentNode, type FieldNode, GraphQLError, Kind, type SelectionNode, visit } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { QueryTooComplexError } from '../../errors.ts'

/** What a query may be made of. Checked before it is parsed or validated. */
export const MAX_QUERY_CHARS = 20_000
export const MAX_QUERY_TOKENS = 1_000
/** Fields under one name are compared in pairs, each taking a microsecond, wherever they stand. */
export const MAX_SAME_NAMES = 50
/** Beside the cost of what they select: an operation of a stranger's making has more of them than one of a program's. */
export const MAX_ALIASES = 100
/** The same bare name in one selection. */
export const MAX_REPEATED = 100
/** Of one field, fragment or operation. */
export const MAX_DIRECTIVES = 5

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
        checkSelections(document)
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

function checkSelections(document: DocumentNode): void {
  const counts = new Map<string, number>()
  let aliases = 0
  visit(document, {
    enter(node: ASTNode) {
      checkDirectives(node)
      if (node.kind === Kind.SELECTION_SET) checkRepeated(node.selections)
      if (node.kind !== Kind.FIELD) return
      if (node.alias) aliases += 1
      const { value } = node.alias ?? node.name
      if (!isBare(node)) counts.set(value, (counts.get(value) ?? 0) + 1)
    },
  })
  for (const [name, count] of counts) {
    if (count > MAX_SAME_NAMES)
      throw new QueryTooComplexError(`${MAX_SAME_NAMES} fields of one name`, told(count, name))
  }
  if (aliases > MAX_ALIASES) throw new QueryTooComplexError(`${MAX_ALIASES} aliases`, String(aliases))
}

function checkDirectives(node: ASTNode): void {
  const count = 'directives' in node ? (node.directives?.length ?? 0) : 0
  if (count > MAX_DIRECTIVES) throw new QueryTooComplexError(`${MAX_DIRECTIVES} directives at one place`, String(count))
}

function checkRepeated(selections: readonly SelectionNode[]): void {
  if (selections.length <= MAX_REPEATED) return
  const counts = new Map<string, number>()
  for (const selection of selections) {
    if (selection.kind !== Kind.FIELD || !isBare(selection)) continue
    const { value } = selection.name
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  for (const [name, count] of counts) {
    if (count <= MAX_REPEATED) continue
    throw new QueryTooComplexError(`${MAX_REPEATED} times the same field in one selection`, told(count, name))
  }
}

/** Two of them are compared at once, and all queries are full of `id`. */
function isBare({ alias, arguments: args, directives, selectionSet }: FieldNode): boolean {
  return !(alias || args?.length || directives?.length || selectionSet)
}

function told(count: number, name: string): string {
  return `${count} of ${name.slice(0, MAX_SHOWN_CHARS)}`
}
