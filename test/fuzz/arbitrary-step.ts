import fc, { type Arbitrary } from 'fast-check'
import type { GraphQLSchema } from 'graphql'
import { ACCEPTS } from '../support/edge-requests.ts'
import { arbitraryOperation, type Operation } from './arbitrary-operation.ts'

/** What one client does: a request with one operation, or a socket with some. */
export type Step = RequestStep | SocketStep

export interface RequestStep {
  way: 'post' | 'get'
  operation: Operation
  accept: string | undefined
  /** Other headers, right and wrong. */
  headers: [name: string, value: string][]
  method: string | undefined
  path: string
  /** Changes of the whole body, or of the query in the path. */
  edits: Edit[]
  /** Whether the edits are of the document or of what holds it. */
  editsDocument: boolean
  /** Sends the body in so many pieces. */
  pieces: number
  /** The client goes after so long, whatever has come. */
  leaveAfterMs: number | undefined
  node: number
}

export interface SocketStep {
  way: 'socket'
  operations: Operation[]
  /** In their order, before and between the operations. */
  frames: OddFrame[]
  edits: Edit[]
  editsDocument: boolean
  completesFirst: boolean
  leaveAfterMs: number | undefined
  node: number
}

/** Replaces some characters at a place, which is a share of the length. */
export interface Edit {
  at: number
  remove: number
  insert: string
}

export interface OddFrame {
  before: number
  text: string
  isBinary: boolean
}

const PIECES =
  '{ } ( ) [ ] " \\ : , . ... @ $ ! # & | = null true 0 -1 1e999 "" """ on fragment query __typename \u0000 \ufeff é \ud800'
const HEADERS: [string, string][] = [
  ['content-type', 'application/graphql+json'],
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=latin1'],
  ['content-type', 'multipart/form-data; boundary=x'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'identity'],
  ['expect', '100-continue'],
  ['origin', 'http://localhost:3000'],
  ['x-forwarded-host', 'example.com'],
  ['last-event-id', 'x'],
  ['accept-encoding', 'gzip'],
  ['x-graphql-event-stream-token', 'x'],
  ['cookie', 'a=b; c'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '*'],
  ['te', 'trailers'],
  ['authorization', 'Bearer x'],
  ['upgrade', 'h2c'],
  ['sec-fetch-site', 'cross-site'],
  ['host', 'localhost'],
  ['host', 'example.com'],
]
const METHODS = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND']
const PATHS = [
  '/graphql/',
  '/',
  '/health',
  '/ready',
  '/graphql/stream',
  '/graphql?',
  '/graphql?query=%7B__typename%7D',
  '//graphql',
  '/graphql;x',
  '/%67raphql',
  '/graphql#x',
  '/%',
]
const FRAMES = [
  '{"type":"ping"}',
  '{"type":"pong","payload":{"a":1}}',
  '{"type":"ping","payload":"x"}',
  '{"type":"connection_init"}',
  '{"id":"0","type":"complete"}',
  '{"id":"none","type":"complete"}',
  '{"id":"0","type":"subscribe","payload":{"query":"{__typename}"}}',
  '{"id":"","type":"subscribe","payload":{"query":"{__typename}"}}',
  '{"id":"9","type":"subscribe"}',
  '{"id":"9","type":"subscribe","payload":{"query":1}}',
  '{"id":"9","type":"subscribe","payload":{"query":"{__typename}","variables":[]}}',
  '{"id":"9","type":"next","payload":{}}',
  '{"type":"__proto__"}',
  'null',
  '[]',
  '{',
  '',
]

/** Steps of clients, mostly of good will. */
export function arbitraryStep(schema: GraphQLSchema): Arbitrary<Step> {
  const operation = arbitraryOperation(schema)
  const request: Arbitrary<Step> = fc.record({
    way: fc.oneof(
      { weight: 4, arbitrary: fc.constant('post' as const) },
      { weight: 1, arbitrary: fc.constant('get' as const) },
    ),
    operation,
    accept: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.constantFrom('application/graphql-response+json', 'text/event-stream', '*/*', undefined),
      },
      { weight: 1, arbitrary: fc.constantFrom(...ACCEPTS) },
    ),
    headers: seldom(fc.array(fc.constantFrom(...HEADERS), { maxLength: 2 }), []),
    method: seldom(fc.constantFrom(...METHODS), undefined),
    path: seldom(fc.constantFrom(...PATHS), '/graphql'),
    edits: EDITS,
    editsDocument: fc.boolean(),
    pieces: fc.constantFrom(1, 1, 1, 2, 40),
    leaveAfterMs: LEAVE,
    node: fc.nat(1),
  })
  const socket: Arbitrary<Step> = fc.record({
    way: fc.constant('socket' as const),
    operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    frames: seldom(fc.array(ODD_FRAME, { maxLength: 3 }), []),
    edits: EDITS,
    editsDocument: fc.boolean(),
    completesFirst: fc.boolean(),
    leaveAfterMs: LEAVE,
    node: fc.nat(1),
  })
  return fc.oneof({ weight: 3, arbitrary: request }, { weight: 1, arbitrary: socket })
}

const EDIT: Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(3),
  insert: fc.oneof(fc.constantFrom(...PIECES.split(' '), ' '), fc.string({ maxLength: 3 })),
})
const EDITS = seldom(fc.array(EDIT, { minLength: 1, maxLength: 3 }), [])
const LEAVE = seldom(fc.nat(150), undefined)
const ODD_FRAME: Arbitrary<OddFrame> = fc.record({
  before: fc.nat(4),
  text: fc.oneof(fc.constantFrom(...FRAMES), fc.string()),
  isBinary: fc.nat(9).map((number) => number === 9),
})

/** One in six differs from what is usual. */
function seldom<T, U>(odd: Arbitrary<T>, usual: U): Arbitrary<T | U> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd })
}

/** The text with its edits. */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((before, { at, remove, insert }) => {
    const place = Math.floor(at * before.length)
    return before.slice(0, place) + insert + before.slice(place + remove)
  }, text)
}
