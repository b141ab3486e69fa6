import fc, { type Arbitrary } from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isRequiredArgument,
  isUnionType,
  OperationTypeNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql'
import { arbitraryValue, type Value } from './arbitrary-value.ts'

/** An operation that the schema takes, before it is printed. */
export interface Operation {
  kind: OperationTypeNode
  selections: Selection[]
}

export type Selection = FieldSelection | FragmentSelection

export interface FieldSelection {
  field: string
  isAliased: boolean
  args: Argument[]
  directive: Directive | undefined
  selections: Selection[]
}

/** A fragment, inline or with a name. */
export interface FragmentSelection {
  on: string
  isNamed: boolean
  selections: Selection[]
}

/** A value in the document or in a variable. */
export interface Argument {
  name: string
  type: string
  value: Value
  isVariable: boolean
}

interface Directive {
  name: 'skip' | 'include'
  condition: Argument
}

const DEPTH = 4
const MAX_FIELDS = 5
const NOTHING = fc.constant<Selection[]>([])

/** Operations of a schema; each kind as often as its weight says. */
export function arbitraryOperation(schema: GraphQLSchema): Arbitrary<Operation> {
  const selectionsOf = createSelections(schema)
  const operation = (kind: OperationTypeNode) => {
    const type = schema.getRootType(kind)
    if (!type) throw new Error(`The schema has no ${kind}.`)
    const root = selectionsOf.root(type)
    return root.map((selections): Operation => ({ kind, selections }))
  }
  return fc.oneof(
    { weight: 4, arbitrary: operation(OperationTypeNode.QUERY) },
    { weight: 5, arbitrary: operation(OperationTypeNode.MUTATION) },
    { weight: 3, arbitrary: operation(OperationTypeNode.SUBSCRIPTION) },
  )
}

/** What may be selected of a type is made once for each depth. */
function createSelections(schema: GraphQLSchema) {
  const made = new Map<string, Arbitrary<Selection[]>>()

  function of(output: GraphQLOutputType | GraphQLNamedType, depth: number): Arbitrary<Selection[]> {
    const type = getNamedType(output)
    if (!isCompositeType(type)) return NOTHING
    const key = `${type.name} ${depth}`
    const known = made.get(key)
    if (known) return known
    const fields = fieldsOf(type).filter(({ type: own }) => depth > 0 || isLeafType(getNamedType(own)))
    const choices = [fc.constant<Selection>(plainField('__typename')), ...fields.map((field) => fieldOf(field, depth))]
    if (isAbstractType(type) && depth > 0) {
      for (const possible of schema.getPossibleTypes(type)) choices.push(fragmentOf(possible, depth))
    } else if (depth > 0) choices.push(fragmentOf(type, depth))
    const selections = fc.array(fc.oneof(...choices), { minLength: 1, maxLength: MAX_FIELDS })
    made.set(key, selections)
    return selections
  }

  function fieldOf(field: GraphQLField<unknown, unknown>, depth: number): Arbitrary<Selection> {
    return fc.record({
      field: fc.constant(field.name),
      isAliased: rarely(),
      args: argumentsOf(field.args),
      directive: fc
        .option(fc.tuple(rarely(), DIRECTIVE), { nil: undefined })
        .map((odd) => (odd?.[0] ? odd[1] : undefined)),
      selections: of(field.type, depth - 1),
    })
  }

  function fragmentOf(type: GraphQLNamedType, depth: number): Arbitrary<Selection> {
    return fc.record({ on: fc.constant(type.name), isNamed: rarely(), selections: of(type, depth - 1) })
  }

  /** A subscription has one field, and that without a directive. */
  function root(type: GraphQLNamedType): Arbitrary<Selection[]> {
    const isSubscription = type === schema.getSubscriptionType()
    const fields = fieldsOf(type).map((field) => fieldOf(field, DEPTH))
    if (isSubscription) return fc.oneof(...fields).map((field) => [{ ...field, directive: undefined } as Selection])
    const meta = [SchemaMetaFieldDef, TypeMetaFieldDef].map((field) => fieldOf(field, 2))
    const isQuery = type === schema.getQueryType()
    const choices = fields.map((arbitrary) => ({ weight: 4, arbitrary }))
    if (isQuery) choices.push(...meta.map((arbitrary) => ({ weight: 1, arbitrary })))
    return fc.array(fc.oneof(...choices), { minLength: 1, maxLength: 3 })
  }

  return { root }
}

function fieldsOf(type: GraphQLNamedType): GraphQLField<unknown, unknown>[] {
  return isCompositeType(type) && !isUnionType(type) ? Object.values(type.getFields()) : []
}

function plainField(field: string): FieldSelection {
  return { field, isAliased: false, args: [], directive: undefined, selections: [] }
}

function argumentsOf(args: readonly GraphQLArgument[]): Arbitrary<Argument[]> {
  const record = Object.fromEntries(args.map((argument) => [argument.name, argumentOf(argument)]))
  const requiredKeys = args.filter(isRequiredArgument).map(({ name }) => name)
  return fc
    .record(record, { requiredKeys })
    .map((values) => Object.values(values).filter((value) => value !== undefined))
}

function argumentOf({ name, type }: GraphQLArgument): Arbitrary<Argument> {
  const value = arbitraryValue(name, type)
  return fc.record({ name: fc.constant(name), type: fc.constant(String(type)), value, isVariable: fc.boolean() })
}

const DIRECTIVE: Arbitrary<Directive> = fc.record({
  name: fc.constantFrom('skip' as const, 'include' as const),
  condition: fc.record({
    name: fc.constant('if'),
    type: fc.constant('Boolean!'),
    value: fc.boolean().map((value): Value => ({ kind: 'scalar', value })),
    isVariable: fc.boolean(),
  }),
})

function rarely(): Arbitrary<boolean> {
  return fc.nat(7).map((number) => number === 7)
}
