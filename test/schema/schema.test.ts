import { readFileSync } from 'node:fs'
import {
  type GraphQLField,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  validate,
} from 'graphql'
import { expect, test } from 'vitest'
import { printSortedSchema } from '../../src/commands/print-schema.ts'
import { createSchema } from '../../src/schema/schema.ts'

interface Described {
  at: string
  description: string | null | undefined
}

test('schema.graphql is what the code makes', () => {
  expect(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')).toBe(printSortedSchema())
})

test('the operations of the README are valid', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, block = '']) => parse(block))
  expect(blocks).toHaveLength(3)
  expect(blocks.flatMap((block) => validate(createSchema(), block))).toEqual([])
})

test('every type, field, argument, enum value and input field is described', () => {
  const types = Object.values(createSchema().getTypeMap())
  const own = types.filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
  const described = own.flatMap((type) => [{ at: type.name, description: type.description }, ...membersOf(type)])
  expect(described.length).toBeGreaterThan(200)
  expect(described.filter(({ description }) => !description?.trim().endsWith('.')).map(({ at }) => at)).toEqual([])
})

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
