import { readFileSync } from 'node:fs'
import {
  buildSchema,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  OverlappingFieldsCanBeMergedRule,
  parse,
  validate,
} from 'graphql'
import { expect, test } from 'vitest'
import { printSortedSchema } from '../../src/commands/print-schema.ts'
import { createSchema } from '../../src/schema/schema.ts'
import { startTestServer } from '../support/test-server.ts'

interface Described {
  at: string
  description: string | null | undefined
}

test('schema.graphql is what the code makes', () => {
  expect(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')).toBe(printSortedSchema())
})

test('every type, field, argument, enum value and input field is described', () => {
  const types = Object.values(createSchema().getTypeMap())
  const own = types.filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
  const described = own.flatMap((type) => [{ at: type.name, description: type.description }, ...membersOf(type)])
  expect(described.length).toBeGreaterThan(200)
  expect(described.filter(({ description }) => !description?.trim().endsWith('.')).map(({ at }) => at)).toEqual([])
})

test.each(abstractTypes())('all fields of all types of %s can be selected in one query', (name) => {
  const schema = createSchema()
  const document = parse(`fragment All on ${name} { ${everythingOf(schema, schema.getType(name), 3)} }`)
  expect(validate(schema, document, [OverlappingFieldsCanBeMergedRule]).map(String)).toEqual([])
})

test('a query that selects one name for two types is found out', () => {
  const schema = buildSchema(
    'type Query { a: A } interface A { x: Int } type B implements A { x: Int y: [C] } type C { z: Int } type D implements A { x: Int y: [E] } type E { z: String }',
  )
  const document = parse(`fragment All on A { ${everythingOf(schema, schema.getType('A'), 3)} }`)
  expect(validate(schema, document, [OverlappingFieldsCanBeMergedRule]).map(String)).toHaveLength(1)
})

test('the schema itself says what it is for', () => {
  const { description = '' } = createSchema()
  expect(description?.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(5)
  for (const [, name = ''] of description?.matchAll(/`(\w+)`/g) ?? []) expect(printSortedSchema()).toContain(name)
})

test('what the Subscription says of errors is so', async () => {
  const { client } = await startTestServer()
  const streamed = async (field: string) => {
    const query = `subscription { ${field} { __typename } }`
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    const response = await fetch(client.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    return JSON.parse(/\{.*\}/.exec(await response.text())?.[0] ?? '')
  }
  const unknown = '"conv_01h455vb4pex5vsknk084sn02q"'
  const send = (fields: string) => streamed(`sendMessage(input: { clientMessageId: "1" ${fields} })`)
  expect(await send(`conversationId: ${unknown} content: "Hi"`)).toEqual({ data: { sendMessage: rejected } })
  expect(await send('conversationId: "x" externalId: "y" content: "Hi"')).toEqual({ data: { sendMessage: rejected } })
  expect(await streamed('reply(id: "rep_x")')).toEqual({ data: { reply: rejected } })
  expect(await streamed(`reply(conversationId: ${unknown})`)).toEqual({ data: { reply: rejected } })
  expect(await streamed(`conversationEvents(conversationId: ${unknown})`)).toMatchObject({
    errors: [{ extensions: { code: 'NOT_FOUND' } }],
  })
})

const rejected = { __typename: 'ReplyRejected' }

test('descriptions ask clients to ignore events and parts that they do not know', () => {
  const types = createSchema().getTypeMap()
  expect(types.ConversationEvent?.description).toContain('Ignore types that you do not know')
  expect(types.MessagePart?.description).toContain('Ignore types that you do not know')
})

function membersOf(type: GraphQLNamedType): Described[] {
  if (isEnumType(type))
    return type.getValues().map(({ name, description }) => ({ at: `${type.name}.${name}`, description }))
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map(({ name, description }) => ({ at: `${type.name}.${name}`, description }))
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return Object.values(type.getFields()).flatMap((field) => describedField(type.name, field))
}

function describedField(typeName: string, { name, description, args }: GraphQLField<unknown, unknown>): Described[] {
  const at = `${typeName}.${name}`
  return [{ at, description }, ...args.map((arg) => ({ at: `${at}(${arg.name})`, description: arg.description }))]
}

function abstractTypes(): string[] {
  const types = Object.values(createSchema().getTypeMap())
  return types.filter((type) => isAbstractType(type) && !isIntrospectionType(type)).map(({ name }) => name)
}

/** A selection of every field of every type that a value may have, so many levels deep. */
function everythingOf(schema: GraphQLSchema, type: GraphQLNamedType | undefined, depth: number): string {
  if (!isCompositeType(type) || depth === 0) return isCompositeType(type) ? '__typename' : ''
  const objects = isAbstractType(type) ? schema.getPossibleTypes(type) : [type]
  return objects.map((object) => `... on ${object.name} { ${fieldsOf(schema, object, depth)} }`).join(' ')
}

function fieldsOf(schema: GraphQLSchema, type: GraphQLObjectType, depth: number): string {
  const selections = Object.values(type.getFields()).map((field) => {
    const below = everythingOf(schema, getNamedType(field.type), depth - 1)
    return below === '' ? field.name : `${field.name} { ${below} }`
  })
  return selections.join(' ')
}
