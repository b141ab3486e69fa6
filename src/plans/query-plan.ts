import { collectFields, collectSubFields } from '@graphql-tools/utils'
import {
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
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

/** A query or subscription of one document, with all of it that is the same in each execution. */
export interface QueryPlan {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
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
}

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
/** Which fields are selected depends on variables only through directives. */
const NO_VARIABLES = {}

/**
 * Plans a query, or what a subscription makes of each event; undefined for mutations, introspection and
 * documents with directives. A selection below the root is planned when it is first executed, so fragments
 * cannot blow a plan up: planning never costs more than the execution that needs it.
 */
export function planQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation = getOperationAST(document),
  onKeep: QueryPlan['onKeep'] = () => {},
): QueryPlan | undefined {
  const type = operation && schema.getRootType(operation.operation)
  if (!type || operation.operation === 'mutation' || !isPlain(document)) return undefined
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null)
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
  }
  const plan: QueryPlan = { schema, operation, fragments, root: { type, fields: [] }, size: 0, onKeep }
  const { fields } = collectFields(schema, fragments, NO_VARIABLES, type, operation.selectionSet)
  plan.root.fields = planFields(plan, type, fields)
  plan.size = fields.size
  onKeep(fields.size)
  return plan
}

/** What is selected on a value of this type that the field returned. */
export function selectionOf(plan: QueryPlan, field: FieldPlan, type: GraphQLObjectType): SelectionPlan {
  let selection = field.selections.get(type)
  if (selection === undefined) {
    const { fields } = collectSubFields(plan.schema, plan.fragments, NO_VARIABLES, type, field.nodes)
    selection = { type, fields: planFields(plan, type, fields) }
    if (plan.size < MAX_KEPT_FIELDS) {
      field.selections.set(type, selection)
      plan.size += selection.fields.length
      plan.onKeep(selection.fields.length)
    }
  }
  return selection
}

function isPlain(document: DocumentNode): boolean {
  let plain = true
  const refuse = () => {
    plain = false
    return BREAK
  }
  visit(document, {
    Directive: refuse,
    Field: ({ name, alias }) => {
      // Set in an object, that name would be its prototype.
      const isSpecial = name.value.startsWith('__') && name.value !== '__typename'
      return isSpecial || alias?.value === '__proto__' ? refuse() : undefined
    },
  })
  return plain
}

function planFields(plan: QueryPlan, parentType: GraphQLObjectType, fields: Map<string, FieldNode[]>): FieldPlan[] {
  return [...fields].map(([key, nodes]) => {
    const definition = nodes[0] && plan.schema.getField(parentType, nodes[0].name.value)
    if (definition === undefined) throw new TypeError(`${parentType.name} has no field ${key}`)
    const shape = shapeOf(definition.type)
    const isOwn = definition.resolve === undefined && shape.kind === 'LEAF'
    return { key, definition, parentType, nodes, shape, isOwn, selections: new Map() }
  })
}

function shapeOf(outputType: GraphQLOutputType): Shape {
  const isNonNull = isNonNullType(outputType)
  const type = isNonNull ? outputType.ofType : outputType
  if (isListType(type)) return { isNonNull, kind: 'LIST', of: shapeOf(type.ofType) }
  if (isLeafType(type)) return { isNonNull, kind: 'LEAF', type }
  return isObjectType(type) ? { isNonNull, kind: 'OBJECT', type } : { isNonNull, kind: 'ABSTRACT', type }
}
