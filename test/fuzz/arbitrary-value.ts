import fc, { type Arbitrary } from 'fast-check'
import {
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql'

/** A value of an input, before it is known which ids the server has given out. */
export type Value =
  | { kind: 'null' }
  | { kind: 'scalar'; value: number | boolean }
  | { kind: 'enum'; value: string }
  /** As it is: a date, a name that the server knows. */
  | { kind: 'word'; value: string }
  /** What people say: marked before it is sent, and then never to be found in a log. */
  | { kind: 'text'; value: string }
  | { kind: 'json'; value: unknown }
  /** One of the ids or cursors that the server gave out. */
  | { kind: 'known'; of: KnownKind; at: number }
  | { kind: 'list'; items: Value[] }
  | { kind: 'object'; fields: { name: string; value: Value }[] }

export type KnownKind = 'conversation' | 'message' | 'reply' | 'cursor'

const MAX_INT = 2_147_483_647
const DATES = [
  '2020-02-29T12:00:00Z',
  '1970-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  '2099-01-01T00:00:00+14:00',
]
/** So that keys of idempotency meet again. */
const KEYS = ['a', 'b', 'c', 'd']

const TEXTS = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.nat(8_000).map((length) => 'long '.repeat(length)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\u0000', '\ud800', '__proto__', '<|endoftext|>', '{{', '../../x', '$'),
  },
)

/** Values that the schema takes where an input of this name and type stands. */
export function arbitraryValue(name: string, type: GraphQLInputType, depth = 0): Arbitrary<Value> {
  const given = arbitraryOfNullable(name, getNullableType(type), depth)
  if (isNonNullType(type)) return given
  return fc.oneof({ weight: 12, arbitrary: given }, { weight: 1, arbitrary: fc.constant<Value>({ kind: 'null' }) })
}

function arbitraryOfNullable(name: string, type: GraphQLInputType, depth: number): Arbitrary<Value> {
  if (isListType(type)) {
    const item = arbitraryValue(name, type.ofType as GraphQLInputType, depth)
    return fc.array(item, { maxLength: 5 }).map((items) => ({ kind: 'list', items }))
  }
  const named = getNamedType(type) as GraphQLNamedInputType
  if (isEnumType(named)) {
    return fc.constantFrom(...named.getValues().map((value): Value => ({ kind: 'enum', value: value.name })))
  }
  return isInputObjectType(named) ? arbitraryObject(named, depth) : arbitraryScalar(name, named.name)
}

function arbitraryObject(type: GraphQLInputObjectType, depth: number): Arbitrary<Value> {
  const fields = Object.values(type.getFields())
  const given = (field: GraphQLInputField) => arbitraryValue(field.name, field.type, depth + 1)
  if (type.isOneOf) {
    const one = fields.map((field) => {
      const value = given(field).filter(({ kind }) => kind !== 'null')
      return value.map((own): Value => ({ kind: 'object', fields: [{ name: field.name, value: own }] }))
    })
    return fc.oneof(...one)
  }
  const record = Object.fromEntries(fields.map((field) => [field.name, given(field)]))
  const requiredKeys = fields.filter(isRequiredInputField).map(({ name }) => name)
  return fc.record(record, { requiredKeys }).map((values) => ({
    kind: 'object',
    fields: Object.entries(values).flatMap(([name, value]) => (value ? [{ name, value }] : [])),
  }))
}

function arbitraryScalar(name: string, type: string): Arbitrary<Value> {
  switch (type) {
    case 'Boolean':
      return fc.boolean().map((value) => ({ kind: 'scalar', value }))
    case 'Int':
      return fc
        .oneof(fc.nat(100), fc.constantFrom(-1, 0, 1, 30, 3_000, 200_000, MAX_INT, -MAX_INT - 1))
        .map((value) => ({ kind: 'scalar', value }))
    case 'Float':
      return fc
        .oneof(fc.double({ min: 0, max: 0.5, noNaN: true }), fc.constantFrom(-1, 1e300, 5e-324))
        .map((value) => ({ kind: 'scalar', value }))
    case 'DateTime':
      return fc.constantFrom(...DATES).map((value) => ({ kind: 'word', value }))
    case 'JSON':
      return fc
        .oneof(fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 })), fc.jsonValue())
        .map((value) => ({ kind: 'json', value }))
    case 'ID':
    case 'String':
      return arbitraryString(name)
  }
  throw new Error(`Nothing is known about the scalar ${type}.`)
}

function arbitraryString(name: string): Arbitrary<Value> {
  const text = TEXTS.map((value): Value => ({ kind: 'text', value }))
  const kinds = kindsOf(name)
  if (kinds.length > 0) {
    const known = fc.record({ kind: fc.constant('known' as const), of: fc.constantFrom(...kinds), at: fc.nat(30) })
    return fc.oneof({ weight: 9, arbitrary: known }, { weight: 1, arbitrary: text })
  }
  if (name === 'clientMessageId' || name === 'externalId' || name === 'toolCallId') {
    const key = fc.constantFrom(...KEYS).map((value): Value => ({ kind: 'text', value }))
    return fc.oneof({ weight: 4, arbitrary: key }, { weight: 1, arbitrary: text })
  }
  if (name !== 'encoding') return text
  return fc.constantFrom('o200k_base', 'cl100k_base', 'gpt2').map((value) => ({ kind: 'word', value }))
}

/** Mostly ids of the right kind, as only those come far. */
function kindsOf(name: string): KnownKind[] {
  if (name === 'conversationId') return ['conversation', 'conversation', 'conversation', 'message']
  if (name === 'messageId' || name === 'replaces') return ['message', 'message', 'message', 'conversation']
  if (name === 'id' || name === 'ids') return ['conversation', 'message', 'reply']
  return name === 'after' || name === 'before' ? ['cursor'] : []
}
