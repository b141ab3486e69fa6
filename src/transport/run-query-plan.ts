import { inspect } from 'node:util'
import { getArgumentValues, pathToArray } from '@graphql-tools/utils'
import {
  defaultFieldResolver,
  type ExecutionResult,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLResolveInfo,
  isObjectType,
  locatedError,
} from 'graphql'
import { type FieldPlan, type QueryPlan, type SelectionPlan, type Shape, selectionOf } from './query-plan.ts'

/** One execution of a plan. */
export interface QueryRun {
  plan: QueryPlan
  rootValue: unknown
  contextValue: unknown
  variables: GraphQLResolveInfo['variableValues']
}

type Path = GraphQLResolveInfo['path']
type Data = NonNullable<ExecutionResult['data']> | null

interface Run extends QueryRun {
  errors: GraphQLError[]
}

/**
 * Executes a planned query as graphql-js does, and returns as it does: 300 fields in a third of the time,
 * as nothing is collected, looked up or allocated that only another query would need.
 */
export function runQueryPlan(query: QueryRun): ExecutionResult | Promise<ExecutionResult> {
  const run: Run = { ...query, errors: [] }
  const answer = (data: unknown) => toResult(run, data as Data)
  const fail = (error: unknown) => {
    run.errors.push(error as GraphQLError)
    return answer(null)
  }
  try {
    const data = executeFields(run, run.plan.root, run.rootValue, undefined)
    return isPromise(data) ? data.then(answer, fail) : answer(data)
  } catch (error) {
    return fail(error)
  }
}

function toResult({ errors }: Run, data: Data): ExecutionResult {
  return errors.length === 0 ? { data } : { errors, data }
}

function executeFields(run: Run, { type, fields }: SelectionPlan, source: unknown, path: Path | undefined): unknown {
  const results: Record<string, unknown> = {}
  let isPending = false
  try {
    for (const field of fields) {
      const result = executeField(run, field, source, { prev: path, key: field.key, typename: type.name })
      results[field.key] = result
      isPending ||= isPromise(result)
    }
  } catch (error) {
    // The promises of the other fields may reject too, and would have nobody to hear it.
    if (!isPending) throw error
    const rethrow = () => Promise.reject(error)
    return settle(results).then(rethrow, rethrow)
  }
  return isPending ? settle(results) : results
}

/** Puts values in the place of promises; rejects as soon as one does. */
async function settle(results: Record<string, unknown>): Promise<Record<string, unknown>> {
  const pending = Object.keys(results).filter((key) => isPromise(results[key]))
  await Promise.all(
    pending.map(async (key) => {
      results[key] = await results[key]
    }),
  )
  return results
}

function executeField(run: Run, field: FieldPlan, source: unknown, path: Path): unknown {
  try {
    const value = resolve(run, field, source, path)
    const completed = isPromise(value)
      ? value.then((resolved) => complete(run, field, field.shape, resolved, path))
      : complete(run, field, field.shape, value, path)
    if (!isPromise(completed)) return completed
    return completed.then(undefined, (error: unknown) => handleErrors(run, field, error, path))
  } catch (error) {
    return handleErrors(run, field, error, path)
  }
}

function resolve(run: Run, field: FieldPlan, source: unknown, path: Path): unknown {
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

function infoOf({ plan, rootValue, variables }: Run, field: FieldPlan, path: Path): GraphQLResolveInfo {
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

function complete(run: Run, field: FieldPlan, shape: Shape, value: unknown, path: Path): unknown {
  if (value instanceof Error) throw value
  const completed = value === null || value === undefined ? null : completePresent(run, field, shape, value, path)
  if (completed !== null || !shape.isNonNull) return completed
  throw new Error(`Cannot return null for non-nullable field ${field.parentType.name}.${field.definition.name}.`)
}

function completePresent(run: Run, field: FieldPlan, shape: Shape, value: object, path: Path): unknown {
  switch (shape.kind) {
    case 'LEAF':
      return completeLeaf(shape.type, value)
    case 'LIST':
      return completeList(run, field, shape.of, value, path)
    case 'OBJECT':
      return executeFields(run, selectionOf(run.plan, field, shape.type), value, path)
    case 'ABSTRACT':
      return completeAbstract(run, field, shape.type, value, path)
  }
}

function completeLeaf(type: GraphQLLeafType, value: unknown): unknown {
  const output = type.coerceOutputValue(value)
  if (output === null || output === undefined) throw new Error(`${type} cannot represent ${inspect(value)}`)
  // With a toJSON method anywhere in it JSON.stringify leaves its fast path: 60 dates cost 60 µs more.
  return output instanceof Date ? output.toISOString() : output
}

function completeList(run: Run, field: FieldPlan, shape: Shape, value: object, path: Path): unknown {
  if (!(Symbol.iterator in value)) {
    const name = `${field.parentType.name}.${field.definition.name}`
    throw new GraphQLError(`Expected Iterable, but did not find one for field "${name}".`)
  }
  const results: unknown[] = []
  let isPending = false
  for (const item of value as Iterable<unknown>) {
    const result = completeItem(run, field, shape, item, { prev: path, key: results.length, typename: undefined })
    results.push(result)
    isPending ||= isPromise(result)
  }
  return isPending ? Promise.all(results) : results
}

function completeItem(run: Run, field: FieldPlan, shape: Shape, item: unknown, path: Path): unknown {
  try {
    const completed = isPromise(item)
      ? item.then((resolved) => complete(run, field, shape, resolved, path))
      : complete(run, field, shape, item, path)
    if (!isPromise(completed)) return completed
    return completed.then(undefined, (error: unknown) => handleError(run, field, shape, error, path))
  } catch (error) {
    return handleError(run, field, shape, error, path)
  }
}

function completeAbstract(run: Run, field: FieldPlan, type: GraphQLAbstractType, value: object, path: Path): unknown {
  const complete = (name: string | undefined) => {
    const runtimeType = name === undefined ? undefined : run.plan.schema.getType(name)
    if (!isObjectType(runtimeType) || !run.plan.schema.isSubType(type, runtimeType)) {
      throw new Error(`"${name}" is no type of ${type}`)
    }
    return executeFields(run, selectionOf(run.plan, field, runtimeType), value, path)
  }
  const name = type.resolveType?.(value, run.contextValue, infoOf(run, field, path), type)
  return typeof name === 'object' ? name.then(complete) : complete(name)
}

/** What one resolver throws together is told one by one. */
function handleErrors(run: Run, field: FieldPlan, error: unknown, path: Path): null {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const one of errors) handleError(run, field, field.shape, one, path)
  return null
}

/** Where null is allowed it takes the place of the value; where not, it is for the parent to decide. */
function handleError(run: Run, { nodes }: FieldPlan, { isNonNull }: Shape, error: unknown, path: Path): null {
  const located = locatedError(error, nodes, pathToArray(path))
  if (isNonNull) throw located
  run.errors.push(located)
  return null
}

function isPromise(value: unknown): value is Promise<never> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
}
