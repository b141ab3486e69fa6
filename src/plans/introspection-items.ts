import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isUnionType,
} from 'graphql'

type Items = ReadonlyMap<string, number>

const known = new WeakMap<GraphQLSchema, Items>()

/**
 * How many items a list of the introspection has: of the lists of types, as many as one has on average, so that
 * what asks for all of them is counted exactly. Undefined for what is no such list.
 */
export function introspectionItems(
  schema: GraphQLSchema,
  parent: GraphQLObjectType,
  field: string,
): number | undefined {
  if (!isIntrospectionType(parent)) return undefined
  const items = known.get(schema) ?? countItems(schema)
  known.set(schema, items)
  return items.get(field)
}

function countItems(schema: GraphQLSchema): Items {
  const types = Object.values(schema.getTypeMap())
  const fields = types.flatMap(fieldsOf)
  const args = fields.reduce((sum, field) => sum + ('args' in field ? field.args.length : 0), 0)
  const directives = schema.getDirectives()
  const values = types.reduce((sum, type) => sum + (isEnumType(type) ? type.getValues().length : 0), 0)
  const interfaces = types.reduce((sum, type) => sum + ('getInterfaces' in type ? type.getInterfaces().length : 0), 0)
  const possible = types.reduce((sum, type) => sum + possibleTypes(schema, type), 0)
  return new Map([
    ['types', types.length],
    ['directives', directives.length],
    ['fields', fields.length / types.length],
    ['inputFields', fields.length / types.length],
    ['args', Math.max(1, args / fields.length)],
    ['enumValues', Math.max(1, values / types.length)],
    ['interfaces', Math.max(1, interfaces / types.length)],
    ['possibleTypes', Math.max(1, possible / types.length)],
    ['locations', 3],
  ])
}

function fieldsOf(type: GraphQLNamedType) {
  const hasFields = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
  return hasFields ? Object.values(type.getFields()) : []
}

function possibleTypes(schema: GraphQLSchema, type: GraphQLNamedType): number {
  return isInterfaceType(type) || isUnionType(type) ? schema.getPossibleTypes(type).length : 0
}
