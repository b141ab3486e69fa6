import {
  MAX_ALIASES,
  MAX_DIRECTIVES,
  MAX_QUERY_CHARS,
  MAX_QUERY_TOKENS,
  MAX_REPEATED,
  MAX_SAME_NAMES,
} from '../../src/transport/receive/query-limits.ts'

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
  ['a query of too many aliases', differentAliases(MAX_ALIASES + 1), 'A query must have at most 100 aliases; got 101.'],
  [
    'a query of one field too many times',
    repeated(MAX_REPEATED + 1),
    'A query must have at most 100 times the same field in one selection; got 101 of __typename.',
  ],
  [
    'a query of too many directives',
    directives(MAX_DIRECTIVES + 1),
    'A query must have at most 5 directives at one place; got 6.',
  ],
]

/** Queries that reach each of the limits. */
export const LARGEST_QUERIES: readonly string[] = [
  padded(MAX_QUERY_CHARS),
  tokens(MAX_QUERY_TOKENS),
  aliases(MAX_SAME_NAMES),
  differentAliases(MAX_ALIASES),
  repeated(MAX_REPEATED),
]

/** Operations that cost more than the default allows: what most of it is for, and their variables. */
export const COSTLY_QUERIES: readonly (readonly [
  name: string,
  query: string,
  heaviest: string,
  variables: Record<string, unknown>,
])[] = [
  ['a query whose fragments double', doubling(18), 'recentContext.conversation', {}],
  [
    'a query of lists in lists',
    `{ conversations(first: 100) { nodes { ${times(20, (at) => `a${at}: messages(last: 100) { nodes { id } }`)} } } }`,
    'conversations.nodes',
    {},
  ],
  [
    'a query whose sizes are variables',
    'query ($n: Int) { conversations(first: $n) { nodes { messages(first: $n) { edges { node { id role content } } } } } }'.replace(
      'id role content',
      times(15, (at) => `a${at}: content`),
    ),
    'conversations.nodes.messages.edges.node',
    { n: 100 },
  ],
  [
    'a query of many windows',
    `{ ${times(30, (at) => `a${at}: recentContext(conversationId: "c", maxTokens: 200000) { chatMessages }`)} }`,
    'a0',
    {},
  ],
  [
    'a query of many nodes',
    `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Conversation { ${times(30, (at) => `a${at}: messages { nodes { id } }`)} } } }`,
    'nodes',
    { ids: Array.from({ length: 100 }, String) },
  ],
  [
    'a query of introspection in aliases',
    `{ ${times(50, (at) => `a${at}: __schema { ...S }`)} } fragment S on __Schema { types { fields { ${times(20, (at) => `a${at}: description`)} } } }`,
    'a0',
    {},
  ],
  [
    'a mutation whose payload is large',
    `mutation ($input: AppendMessagesInput!) { appendMessages(input: $input) { ... on AppendMessagesSuccess { messages { ${times(100, (at) => `a${at}: content`)} } } } }`,
    'appendMessages.messages',
    { input: { conversationId: 'c', messages: Array.from({ length: 1_000 }, () => ({ role: 'USER', content: 'x' })) } },
  ],
]

function times(count: number, field: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => field(index)).join(' ')
}

/** Fragments that select the next one twice. */
function doubling(depth: number): string {
  const inner = (next: number) => `recentContext(maxTokens: 9) { conversation { ...F${next} } }`
  const fragments = times(depth, (at) => `fragment F${at} on Conversation { a: ${inner(at + 1)} b: ${inner(at + 1)} }`)
  return `{ recentContext(conversationId: "c") { conversation { ...F0 } } } ${fragments} fragment F${depth} on Conversation { id }`
}

function padded(chars: number): string {
  return '{ __typename }'.padEnd(chars)
}

/** All but 33 are in a list. */
function tokens(count: number): string {
  return `query ($ids: [ID!]! = [${'"x" '.repeat(count - 33)}]) { nodes(ids: $ids) @skip(if: true) { id } }`
}

function differentAliases(count: number): string {
  return `{ ${times(count, (at) => `a${at}: __typename`)} }`
}

function repeated(count: number): string {
  return `{ ${'__typename '.repeat(count)}}`
}

function directives(count: number): string {
  return `{ __typename ${times(count, (at) => `@d${at}`)} }`
}

function aliases(count: number): string {
  return `{ ${'a: __typename '.repeat(count)}}`
}

function nested(count: number): string {
  return `{ __type(name: "Role") { ${'ofType { '.repeat(count)} name ${'} '.repeat(count)} } }`
}
