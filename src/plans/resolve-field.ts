import { inspect } from 'node:util'
import { getArgumentValues } from '@graphql-tools/utils'
import { defaultFieldResolver, GraphQLError, type GraphQLLeafType, type GraphQLResolveInfo } from 'graphql'
import { type ExecutionBounds, type ExecutionUse, signalOf } from './execution-bounds.ts'
import type { QueryCost } from './query-cost.ts'
import type { FieldPlan, QueryPlan } from './query-plan.ts'

/** One execution of a plan. */
export interface Execution {
  plan: QueryPlan
  rootValue: unknown
  contextValue: unknown
  variables: GraphQLResolveInfo['variableValues']
  /** Stops the execution when it aborts. */
  signal?: AbortSignal | undefined
  /** Aborts when the client leaves, whatever is executed. */
  client?: AbortSignal | undefined
  /** The estimate, where there are bounds. */
  cost?: QueryCost | undefined
  /** What it may take; without them anything, in one turn of the event loop. */
  bounds?: ExecutionBounds | undefined
}

/** What a field's resolver returns, or else the property of its name. */
export function resolveField(
  execution: Execution,
  field: FieldPlan,
  source: unknown,
  path: GraphQLResolveInfo['path'],
): unknown {
  const { name, args, resolve } = field.definition
  if (resolve === undefined) {
    const property = (source as Record<string, unknown> | null | undefined)?.[name]
    if (typeof property !== 'function') return property
  }
  const [node] = field.nodes
  const argumentValues =
    args.length === 0 || node === undefined
      ? {}
      : getArgumentValues(field.definition, node, execution.variables.coerced)
  return (resolve ?? defaultFieldResolver)(
    source,
    argumentValues,
    execution.contextValue,
    infoOf(execution, field, path),
  )
}

/** The `info` that resolvers get. */
export function infoOf(
  { plan, rootValue, variables, signal, use }: Execution & { use?: ExecutionUse },
  field: FieldPlan,
  path: GraphQLResolveInfo['path'],
): GraphQLResolveInfo {
  return {
    fieldName: field.definition.name,
    fieldNodes: field.nodes,
    returnType: field.definition.type,
    parentType: field.parentType,
    path,
    schema: plan.schema,
    fragments: plan.fragments,
    rootValue,
    operation: plan.operation,
    variableValues: variables,
    getAbortSignal: () => (use === undefined ? signal : signalOf(use, signal)),
    getAsyncHelpers,
  }
}

function getAsyncHelpers(): ReturnType<GraphQLResolveInfo['getAsyncHelpers']> {
  return { promiseAll: (values) => Promise.all(values), track() {} }
}

/** A scalar or enum value as JSON has it. */
export function leafValue(type: GraphQLLeafType, value: unknown): unknown {
  const output = coerceOutput(type, value)
  if (output === null || output === undefined) throw new Error(`${type} cannot represent ${inspect(value)}`)
  return output
}

/** A value that does not fit its type is our fault, not the client's: no GraphQLError, which a client would see. */
function coerceOutput(type: GraphQLLeafType, value: unknown): unknown {
  try {
    return type.coerceOutputValue(value)
  } catch (error) {
    throw error instanceof GraphQLError ? new Error(error.message) : error
  }
}
