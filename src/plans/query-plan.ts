import { collectFields, collectSubFields } from '@graphql-tools/utils'
import {
  BREAK,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getOperationAST,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import { fieldCost } from './query-cost.ts'

/** An operation of one document, with all of it that is the same in each execution. */
export interface QueryPlan {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  /** What its directives depend on. */
  variables: Variables
  root: SelectionPlan
  /** How many fields it keeps. */
  size: number
  /** Is called with the number of fields that it keeps from now on. */
  onKeep(fields: number): void
}

/** The fields that are selected on one object type, in the order of the answer. */
export interface SelectionPlan {
  type: GraphQLObjectType
  fields: FieldPlan[]
  /** What one object costs: see FieldCost. */
  weight: number
  /** Characters that its keys and marks take in JSON at least. */
  length: number
  /** Whether a key is `__proto__`, which would be the prototype of a plain object. */
  hasProtoKey: boolean
}

type Variables = GraphQLResolveInfo['variableValues']

/** One field of an answer. */
export interface FieldPlan {
  /** Its name in the answer. */
  key: string
  definition: GraphQLField<unknown, unknown>
  parentType: GraphQLObjectType
  nodes: FieldNode[]
  shape: Shape
  /** Whether it is read from the property of its name, and is a leaf. */
  isOwn: boolean
  /** What is selected on what it returns, by type, for the types that it has returned so far. */
  selections: Map<GraphQLObjectType, SelectionPlan>
}

/** What kind of value a field returns. */
export type Shape = { isNonNull: boolean } & (
  | { kind: 'LEAF'; type: GraphQLLeafType }
  | { kind: 'LIST'; of: Shape }
  | { kind: 'OBJECT'; type: GraphQLObjectType }
  | { kind: 'ABSTRACT'; type: GraphQLAbstractType }
)

/** Fragments that repeat each other make a few hundred characters millions of fields: the rest is planned each time. */
const MAX_KEPT_FIELDS = 1_000
/** Of a key and its value: two quotes, a colon, a comma, and the least that is a value. */
const MARKS_OF_FIELD = 5

/** For plans that fit any variables: which fields are selected depends on them only through directives. */
export const NO_VARIABLES: Variables = { sources: Object.create(null), coerced: Object.create(null) }

/**
 * Plans an operation, or what a subscription makes of each event; for these variables alone where it
 * `dependsOnVariables`. A selection below the root is planned when it is first executed, so fragments cannot blow a
 * plan up: planning never costs more than the execution that needs it.
 */
export function planQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation = getOperationAST(document),
  { variables = NO_VARIABLES, onKeep = () => {} }: Partial<Pick<QueryPlan, 'variables' | 'onKeep'>> = {},
): QueryPlan | undefined {
  const type = operation && schema.getRootType(operation.operation)
  if (!type) return undefined
  const fragments = fragmentsOf(document)
  const { fields } = collectFields(schema, fragments, asGiven(variables), type, operation.selectionSet)
  const root = planSelection(schema, type, fields)
  onKeep(fields.size)
  return { schema, operation, fragments, variables, root, size: fields.size, onKeep }
}

/** The fragments of a document, by name. */
export function fragmentsOf({ definitions }: DocumentNode): QueryPlan['fragments'] {
  const fragments: QueryPlan['fragments'] = Object.create(null)
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
  }
  return fragments
}

/** Whether variables decide which of its fields are selected. */
export function dependsOnVariables(document: DocumentNode): boolean {
  let depends = false
  const onDirective = ({ arguments: args = [] }: DirectiveNode) => {
    if (!args.some(({ value }) => value.kind === Kind.VARIABLE)) return undefined
    depends = true
    return BREAK
  }
  visit(document, { Directive: onDirective })
  return depends
}

/** What is selected on a value of this type that the field returned. */
export function selectionOf(plan: QueryPlan, field: FieldPlan, type: GraphQLObjectType): SelectionPlan {
  let selection = field.selections.get(type)
  if (selection === undefined) {
    const { fields } = collectSubFields(plan.schema, plan.fragments, asGiven(plan.variables), type, field.nodes)
    selection = planSelection(plan.schema, type, fields)
    if (plan.size < MAX_KEPT_FIELDS) {
      field.selections.set(type, selection)
      plan.size += selection.fields.length
      plan.onKeep(selection.fields.length)
    }
  }
  return selection
}

function planSelection(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  nodes: ReadonlyMap<string, FieldNode[]>,
): SelectionPlan {
  const fields = [...nodes].map(([key, fieldNodes]) => planField(schema, type, key, fieldNodes))
  return {
    type,
    fields,
    weight: fields.reduce((sum, { definition }) => sum + (fieldCost(definition).weight ?? 1), 0),
    length: fields.reduce((sum, { key }) => sum + key.length + MARKS_OF_FIELD, 0),
    hasProtoKey: nodes.has('__proto__'),
  }
}

function planField(schema: GraphQLSchema, parentType: GraphQLObjectType, key: string, nodes: FieldNode[]): FieldPlan {
  const definition = nodes[0] && schema.getField(parentType, nodes[0].name.value)
  if (definition === undefined) throw new TypeError(`${parentType.name} has no field ${key}`)
  const shape = shapeOf(definition.type)
  const isOwn = definition.resolve === undefined && shape.kind === 'LEAF'
  return { key, definition, parentType, nodes, shape, isOwn, selections: new Map() }
}

/** The library declares the values alone, and hands what it is given to graphql-js, which from 17 on wants both. */
function asGiven(variables: Variables): Record<string, unknown> {
  return variables as unknown as Record<string, unknown>
}

function shapeOf(outputType: GraphQLOutputType): Shape {
  const isNonNull = isNonNullType(outputType)
  const type = isNonNull ? outputType.ofType : outputType
  if (isListType(type)) return { isNonNull, kind: 'LIST', of: shapeOf(type.ofType) }
  if (isLeafType(type)) return { isNonNull, kind: 'LEAF', type }
  return isObjectType(type) ? { isNonNull, kind: 'OBJECT', type } : { isNonNull, kind: 'ABSTRACT', type }
}
