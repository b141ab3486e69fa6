import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeInfo,
  type VariableNode,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { introspectionItems } from './introspection-items.ts'

/** What a schema says of a field's cost, in its extension `cost`. */
export interface FieldCost {
  /** What it costs itself, without what is selected below; 1 by default. */
  weight?: number
  /** How many items these arguments ask for: of the field's own list, or of each list in the object that it returns. */
  items?(args: Readonly<Record<string, unknown>>): number
  /** Of a leaf that is no list: whether it has the items of the object that it is in. */
  hasItems?: boolean
  /** How many pages of texts it reads, each as long as one may be; none by default. */
  pages?: number | ((args: Readonly<Record<string, unknown>>) => number)
}

/** What an operation costs, and where: the fields on the way to the one that most of it is for. */
export interface QueryCost {
  cost: number
  path: readonly string[]
  /** Pages of texts that it reads at most. */
  pages: number
}

interface Weighed {
  cost: number
  pages: number
  /** The field that costs most, and what is below it. */
  heaviest?: { key: string; cost: number; below?: Weighed | undefined }
}

interface Weighing {
  schema: GraphQLSchema
  fragments: Readonly<Record<string, FragmentDefinitionNode>>
  variables: Readonly<Record<string, unknown>>
  /** A selection is weighed once for a type and a number of items, however often it is spread. */
  known: Map<SelectionSetNode, Map<string, Weighed>>
}

/** Of a list that says nothing of its size. */
const DEFAULT_ITEMS = 5
const MAX_COST = Number.MAX_SAFE_INTEGER
const MAX_PATH = 8
const NOTHING: Weighed = { cost: 0, pages: 0 }

/**
 * An upper estimate of the fields of an answer, before anything is executed: fields by their weights, times the
 * items of the lists that they are in. Fragments count wherever they are spread, and are weighed once, so it takes as
 * long as the document is, whatever that multiplies to. Of an interface or a union the type counts that costs most;
 * `@skip` and `@include` count for nothing. `variables` are coerced.
 */
export function costOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
  variables: Readonly<Record<string, unknown>>,
): QueryCost {
  const type = schema.getRootType(operation.operation)
  const weighing = { schema, fragments, variables, known: new Map() }
  const weighed = type ? weigh(weighing, operation.selectionSet, type, undefined) : NOTHING
  return { cost: Math.ceil(weighed.cost), path: heaviestPath(weighed), pages: weighed.pages }
}

/** The variables that sizes depend on, in any operation of the document. */
export function sizeVariables(schema: GraphQLSchema, document: DocumentNode): string[] {
  const types = new TypeInfo(schema)
  const names = new Set<string>()
  const onVariable = ({ name }: VariableNode) => void names.add(name.value)
  const onField = (node: FieldNode) => {
    const definition = types.getFieldDef()
    if (!definition || fieldCost(definition).items === undefined) return
    for (const { value } of node.arguments ?? []) visit(value, { Variable: onVariable })
  }
  visit(document, visitWithTypeInfo(types, { Field: onField }))
  return [...names]
}

/** What the schema says of a field. */
export function fieldCost({ extensions }: GraphQLField<unknown, unknown>): FieldCost {
  return (extensions as { cost?: FieldCost }).cost ?? {}
}

function weigh(
  weighing: Weighing,
  selections: SelectionSetNode,
  type: GraphQLCompositeType,
  items: number | undefined,
): Weighed {
  const byPlace = weighing.known.get(selections) ?? new Map<string, Weighed>()
  weighing.known.set(selections, byPlace)
  const place = `${type.name} ${items}`
  const known = byPlace.get(place)
  if (known !== undefined) return known
  const weighed = isAbstractType(type)
    ? weighing.schema
        .getPossibleTypes(type)
        .map((possible) => weigh(weighing, selections, possible, items))
        .reduce(most, NOTHING)
    : isObjectType(type)
      ? weighObject(weighing, selections, type, items)
      : NOTHING
  byPlace.set(place, weighed)
  return weighed
}

function most(one: Weighed, other: Weighed): Weighed {
  return { ...(other.cost > one.cost ? other : one), pages: Math.max(one.pages, other.pages) }
}

function weighObject(
  weighing: Weighing,
  { selections }: SelectionSetNode,
  type: GraphQLObjectType,
  items: number | undefined,
): Weighed {
  const sum: Weighed = { cost: 0, pages: 0 }
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      const key = (selection.alias ?? selection.name).value
      const { cost, pages, below } = weighField(weighing, selection, type, items)
      add(sum, { cost, pages, heaviest: { key, cost, below } })
      continue
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : weighing.fragments[selection.name.value]
    if (fragment === undefined || !applies(weighing.schema, fragment.typeCondition?.name.value, type)) continue
    add(sum, weigh(weighing, fragment.selectionSet, type, items))
  }
  return sum
}

function add(sum: Weighed, { cost, pages, heaviest }: Weighed): void {
  sum.cost = Math.min(MAX_COST, sum.cost + cost)
  sum.pages = Math.min(MAX_COST, sum.pages + pages)
  if (heaviest !== undefined && heaviest.cost > (sum.heaviest?.cost ?? 0)) sum.heaviest = heaviest
}

function weighField(
  weighing: Weighing,
  node: FieldNode,
  type: GraphQLObjectType,
  itemsOfParent: number | undefined,
): { cost: number; pages: number; below?: Weighed | undefined } {
  const definition = weighing.schema.getField(type, node.name.value)
  if (definition === undefined) return NOTHING
  const { weight = 1, items, hasItems = false, pages = 0 } = fieldCost(definition)
  const args = items === undefined && typeof pages === 'number' ? {} : argumentsOf(node, weighing.variables)
  const asked = items === undefined ? undefined : countOf(items(args))
  const own = countOf(typeof pages === 'number' ? pages : pages(args))
  const isList = isListOf(definition.type)
  const isRepeated = isList || hasItems
  const count = asked ?? itemsOfParent ?? introspectionItems(weighing.schema, type, definition.name) ?? DEFAULT_ITEMS
  const named = getNamedType(definition.type)
  const below =
    node.selectionSet && isCompositeType(named)
      ? weigh(weighing, node.selectionSet, named, isList ? undefined : asked)
      : undefined
  const each = below?.cost ?? (isRepeated ? 1 : 0)
  const times = isRepeated ? count : 1
  return {
    cost: Math.min(MAX_COST, weight + each * times),
    pages: Math.min(MAX_COST, own + (below?.pages ?? 0) * times),
    below,
  }
}

/** What is no number is refused by the field itself, and asks for nothing. */
function countOf(items: number): number {
  return Number.isFinite(items) ? Math.max(0, items) : 0
}

function argumentsOf(node: FieldNode, variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values = (node.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)])
  return Object.fromEntries(values) as Record<string, unknown>
}

function isListOf(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type)
}

function applies(schema: GraphQLSchema, condition: string | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition === type.name) return true
  const conditional = schema.getType(condition)
  return isAbstractType(conditional) && schema.isSubType(conditional, type)
}

/** From the root down, as long as one field is for most of what is above it. */
function heaviestPath(weighed: Weighed): string[] {
  const path: string[] = []
  let at: Weighed | undefined = weighed
  while (at?.heaviest !== undefined && path.length < MAX_PATH) {
    if (path.length > 0 && at.heaviest.cost * 2 < at.cost) break
    path.push(at.heaviest.key)
    at = at.heaviest.below
  }
  return path
}
