import { MAX_QUERY_CHARS, MAX_QUERY_TOKENS, MAX_SAME_NAMES } from '../../src/transport/query-limits.ts'

/** Queries that are one over a limit each, and what is said of them. */
export const COMPLEX_QUERIES: readonly (readonly [name: string, query: string, message: string])[] = [
  [
    'a query of too many characters',
    padded(MAX_QUERY_CHARS + 1),
    'A query must have at most 20000 characters; got 20001.',
  ],
  ['a query of too many tokens', tokens(MAX_QUERY_TOKENS + 1), 'A query must have at most 1000 tokens; got more.'],
  [
    'a query of too many fields of one alias',
    aliases(MAX_SAME_NAMES + 1),
    'A query must have at most 50 fields of one name; got 51 of a.',
  ],
  [
    'a query of too many fields of one name, wherever they stand',
    nested(MAX_SAME_NAMES + 1),
    'A query must have at most 50 fields of one name; got 51 of ofType.',
  ],
]

/** Queries that reach each of the limits. */
export const LARGEST_QUERIES: readonly string[] = [
  padded(MAX_QUERY_CHARS),
  tokens(MAX_QUERY_TOKENS),
  aliases(MAX_SAME_NAMES),
]

function padded(chars: number): string {
  return '{ __typename }'.padEnd(chars)
}

function tokens(count: number): string {
  const others = Math.floor(count / 3) - 1
  const names = Array.from({ length: others }, (_, index) => `a${index}: __typename`)
  return `{ ${names.join(' ')} ${'__typename '.repeat(count - 2 - 3 * others)}}`
}

function aliases(count: number): string {
  return `{ ${'a: __typename '.repeat(count)}}`
}

function nested(count: number): string {
  return `{ __type(name: "Role") { ${'ofType { '.repeat(count)} name ${'} '.repeat(count)} } }`
}
