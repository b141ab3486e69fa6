import { getArgumentValues } from '@graphql-tools/utils'
import { defaultFieldResolver, type GraphQLResolveInfo } from 'graphql'
import type { FieldPlan, QueryPlan } from './query-plan.ts'

/** One execution of a plan. */
export interface QueryRun {
  plan: QueryPlan
  rootValue: unknown
  contextValue: unknown
  variables: GraphQLResolveInfo['variableValues']
}

/** What a field's resolver gives, or else the property of its name. */
export function resolveField(
  run: QueryRun,
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
  const given =
    args.length === 0 || node === undefined ? {} : getArgumentValues(field.definition, node, run.variables.coerced)
  return (resolve ?? defaultFieldResolver)(source, given, run.contextValue, infoOf(run, field, path))
}

/** What resolvers are told about where they are. */
export function infoOf(
  { plan, rootValue, variables }: QueryRun,
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
    getAbortSignal: noSignal,
    getAsyncHelpers,
  }
}

function noSignal(): undefined {}

function getAsyncHelpers(): ReturnType<GraphQLResolveInfo['getAsyncHelpers']> {
  return { promiseAll: (values) => Promise.all(values), track() {} }
}
