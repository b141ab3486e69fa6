import { COMPLEX_QUERIES } from './complex-queries.ts'
import type { Sent } from './http-exchange.ts'

export const JSON_TYPE = { 'content-type': 'application/json' }
/** A conversation whose lookup fails. */
export const UNREACHABLE = 'conv_01h455vb4pex5vsknk084sn02q'

/** Operations in a body; @id stands for a conversation's id. */
export const OPERATIONS: Record<string, object> = {
  typename: { query: '{ __typename }' },
  context: {
    query: `query ($id: ID!, $max: Int = 3000) {
      recentContext(conversationId: $id, maxTokens: $max) {
        cut omittedCount chatMessages conversation { id title __typename }
        messages { id role content createdAt metadata finishReason usage { promptTokens } ...Parts }
      }
    }
    fragment Parts on Message { versions parts { __typename ... on TextPart { text } providerMetadata } }`,
    variables: { id: '@id' },
  },
  named: { query: 'query A { __typename } query B { b: __typename }', operationName: 'B' },
  'unknown name': { query: 'query A { __typename }', operationName: 'B' },
  'no name of two': { query: 'query A { __typename } query B { __typename }' },
  'null for all': { query: '{ __typename }', variables: null, operationName: null, extensions: null },
  extensions: { query: '{ __typename }', extensions: { x: 1 } },
  introspection: { query: '{ __schema { queryType { name } } __type(name: "Role") { kind } }' },
  directives: {
    query: 'query ($no: Boolean!) { a: __typename @skip(if: $no) b: __typename }',
    variables: { no: true },
  },
  'special alias': { query: '{ __proto__: __typename constructor: __typename }' },
  'syntax error': { query: '{ oops' },
  'empty document': { query: '' },
  ...Object.fromEntries(COMPLEX_QUERIES.map(([name, query]) => [name, { query }])),
  'only a fragment': { query: 'fragment A on Query { __typename }' },
  'validation error': { query: '{ nothing }' },
  'not found': { query: '{ recentContext(conversationId: "conv_nothing") { cut } }' },
  'bad input': { query: '{ a: __typename recentContext(conversationId: "@id", maxTokens: 0) { cut } }' },
  'null of an error': { query: '{ a: conversation(id: "@id") { recentContext(maxTokens: 0) { cut } } }' },
  'our fault': { query: `{ conversation(id: "${UNREACHABLE}") { title } }` },
  'variable missing': { query: 'query ($id: ID!) { node(id: $id) { id } }' },
  'variable wrong': {
    query: 'query ($n: Int!) { conversations(first: $n) { edges { cursor } } }',
    variables: { n: 'x' },
  },
  'variable large and wrong': {
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: { ids: Array(3_000).fill(true) },
  },
  'variable of a mutation large and wrong': {
    query: 'mutation ($input: AppendMessagesInput!) { appendMessages(input: $input) { __typename } }',
    variables: { input: { conversationId: 'x', messages: [{ role: 'USER', content: 'x'.repeat(3_000) }], more: 1 } },
  },
  'variable null': {
    query: 'query ($n: Int = 5) { recentContext(conversationId: "x", maxTokens: $n) { cut } }',
    variables: { n: null },
  },
  mutation: { query: 'mutation { deleteConversation(id: "conv_nothing") { __typename ... on Error { detail } } }' },
  subscription: { query: 'subscription { conversationEvents(conversationId: "conv_nothing") { cursor } }' },
}

/** What a client may accept. */
export const ACCEPTS = [
  undefined,
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'application/json;q=0.1, application/graphql-response+json',
  'application/json; charset=utf-8',
  'application/json;charset=latin1, */*',
  'APPLICATION/JSON',
  'text/html, application/json',
  'text/html',
  'text/event-stream',
  'application/json, text/event-stream',
  'multipart/mixed, application/json',
  'application/*',
  '',
  ' , application/json',
]

/** Bodies and types of bodies, right and wrong. */
export const BODIES: Record<string, Sent> = {
  'an array': { headers: JSON_TYPE, body: '[{"query":"{ __typename }"}]' },
  'an empty array': { headers: JSON_TYPE, body: '[]' },
  null: { headers: JSON_TYPE, body: 'null' },
  'a string': { headers: JSON_TYPE, body: '"{ __typename }"' },
  'a number': { headers: JSON_TYPE, body: '1' },
  'no query': { headers: JSON_TYPE, body: '{}' },
  'query null': { headers: JSON_TYPE, body: '{"query":null}' },
  'query a number': { headers: JSON_TYPE, body: '{"query":1}' },
  'variables an array': { headers: JSON_TYPE, body: '{"query":"{ __typename }","variables":[]}' },
  'variables a string': { headers: JSON_TYPE, body: '{"query":"{ __typename }","variables":"{}"}' },
  'extensions a string': { headers: JSON_TYPE, body: '{"query":"{ __typename }","extensions":"{}"}' },
  'operationName a number': { headers: JSON_TYPE, body: '{"query":"{ __typename }","operationName":1}' },
  'an unknown parameter': { headers: JSON_TYPE, body: '{"query":"{ __typename }","id":"x"}' },
  'an unknown parameter that is null': { headers: JSON_TYPE, body: '{"query":"{ __typename }","id":null}' },
  'no UTF-8': { headers: JSON_TYPE, body: Buffer.from('{"query":"{ a\xff: __typename }"}', 'latin1') },
  'in chunks': { headers: JSON_TYPE, body: ['{"query":', '"{ __typename }"}'] },
  'with a charset': {
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: '{"query":"{ __typename }"}',
  },
  'of GraphQL in JSON': { headers: { 'content-type': 'application/graphql+json' }, body: '{"query":"{ __typename }"}' },
}

/** Requests that are no POST of JSON. */
export const OTHERS: Record<string, Sent> = {
  GET: { method: 'GET', path: '/graphql?query=%7B__typename%7D' },
  'GET of a broken query': { method: 'GET', path: '/graphql?query=%7B' },
  'GET of nothing': { method: 'GET', headers: { accept: 'application/json' } },
  'GET of a mutation': {
    method: 'GET',
    path: '/graphql?query=mutation%7BdeleteConversation(id:%22x%22)%7B__typename%7D%7D',
  },
  OPTIONS: { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } },
  PUT: { method: 'PUT', headers: JSON_TYPE, body: '{"query":"{ __typename }"}' },
  DELETE: { method: 'DELETE' },
  'a query in the path too': {
    path: '/graphql?query=%7Bnothing%7D',
    headers: JSON_TYPE,
    body: '{"query":"{ __typename }"}',
  },
}
