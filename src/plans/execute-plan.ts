import { inspect, pathToArray } from '@graphql-tools/utils'
import {
  defaultTypeResolver,
  type ExecutionResult,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
  locatedError,
} from 'graphql'
import { type FieldPlan, type SelectionPlan, type Shape, selectionOf } from './query-plan.ts'
import { type Execution, infoOf, leafValue, resolveField } from './resolve-field.ts'

type Path = GraphQLResolveInfo['path']
type Data = NonNullable<ExecutionResult['data']> | null

interface ExecutionState extends Execution {
  errors: GraphQLError[]
}

/**
 * Executes a planned query with the results that Yoga's executor gives. 300 fields take 31 µs instead of
 * 88, and JSON.stringify another 8 instead of 80, as there are plain objects in it and no dates.
 */
export function executePlan(query: Execution): ExecutionResult | Promise<ExecutionResult> {
  const execution: ExecutionState = { ...query, errors: [] }
  const answer = (data: unknown) => toResult(execution, data as Data)
  const fail = (error: unknown) => {
    if (execution.signal?.aborted) return { errors: [new GraphQLError('The operation was aborted.')], data: null }
    execution.errors.push(error as GraphQLError)
    return answer(null)
  }
  try {
    const data = executeFields(execution, execution.plan.root, execution.rootValue, undefined)
    return isPromise(data) ? data.then(answer, fail) : answer(data)
  } catch (error) {
    return fail(error)
  }
}

function toResult({ errors }: ExecutionState, data: Data): ExecutionResult {
  return errors.length === 0 ? { data } : { errors, data }
}

function executeFields(
  execution: ExecutionState,
  { fields }: SelectionPlan,
  source: unknown,
  path: Path | undefined,
): unknown {
  const results: Record<string, unknown> = {}
  let isPending = false
  try {
    for (const field of fields) {
      const result = field.isOwn
        ? readOwn(execution, field, source, path)
        : executeField(execution, field, source, addKey(path, field))
      results[field.key] = result
      isPending ||= isPromise(result)
    }
  } catch (error) {
    return rethrow(error, isPending ? settle(results) : undefined)
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

/** Promises beside an error may reject too: unhandled, they would end the process. */
function rethrow(error: unknown, pending: Promise<unknown> | undefined): Promise<never> {
  if (pending === undefined) throw error
  const reject = () => Promise.reject(error)
  return pending.then(reject, reject)
}

function addKey(prev: Path | undefined, { key, parentType }: FieldPlan): Path {
  return { prev, key, typename: parentType.name }
}

/** Most fields of an answer: a property that is a string, a number or a boolean. */
function readOwn(execution: ExecutionState, field: FieldPlan, source: unknown, path: Path | undefined): unknown {
  const value = (source as Record<string, unknown> | null | undefined)?.[field.definition.name]
  if (value === undefined || typeof value === 'object' || typeof value === 'function' || field.shape.kind !== 'LEAF') {
    return executeField(execution, field, source, addKey(path, field))
  }
  try {
    return leafValue(field.shape.type, value)
  } catch (error) {
    return handleErrors(execution, field, error, addKey(path, field))
  }
}

function executeField(execution: ExecutionState, field: FieldPlan, source: unknown, path: Path): unknown {
  try {
    execution.signal?.throwIfAborted()
    const value = resolveField(execution, field, source, path)
    const completed = isPromise(value)
      ? value.then((resolved) => complete(execution, field, field.shape, resolved, path))
      : complete(execution, field, field.shape, value, path)
    if (!isPromise(completed)) return completed
    return completed.then(undefined, (error: unknown) => handleErrors(execution, field, error, path))
  } catch (error) {
    return handleErrors(execution, field, error, path)
  }
}

function complete(execution: ExecutionState, field: FieldPlan, shape: Shape, value: unknown, path: Path): unknown {
  if (value instanceof Error) throw value
  const completed = value === null || value === undefined ? null : completePresent(execution, field, shape, value, path)
  if (completed !== null || !shape.isNonNull) return completed
  throw new Error(`Cannot return null for non-nullable field ${field.parentType.name}.${field.definition.name}.`)
}

function completePresent(
  execution: ExecutionState,
  field: FieldPlan,
  shape: Shape,
  value: NonNullable<unknown>,
  path: Path,
): unknown {
  switch (shape.kind) {
    case 'LEAF':
      return leafValue(shape.type, value)
    case 'LIST':
      return completeList(execution, field, shape.of, value, path)
    case 'OBJECT':
      return executeObject(execution, field, shape.type, value, path)
    case 'ABSTRACT':
      return completeAbstract(execution, field, shape.type, value, path)
  }
}

function executeObject(
  execution: ExecutionState,
  field: FieldPlan,
  type: GraphQLObjectType,
  value: unknown,
  path: Path,
): unknown {
  const execute = (isOf: boolean) => {
    if (!isOf) throw new Error(`Expected value of type "${type}" but got: ${inspect(value)}.`)
    return executeFields(execution, selectionOf(execution.plan, field, type), value, path)
  }
  const isOf = type.isTypeOf?.(value, execution.contextValue, infoOf(execution, field, path)) ?? true
  return typeof isOf === 'object' ? isOf.then(execute) : execute(isOf)
}

function completeList(
  execution: ExecutionState,
  field: FieldPlan,
  shape: Shape,
  value: NonNullable<unknown>,
  path: Path,
): unknown {
  if (typeof value !== 'object' || !(Symbol.iterator in value)) {
    const name = `${field.parentType.name}.${field.definition.name}`
    throw new GraphQLError(`Expected Iterable, but did not find one for field "${name}".`)
  }
  const items: unknown[] = Array.isArray(value) ? value : [...(value as Iterable<unknown>)]
  const results: unknown[] = []
  let isPending = false
  try {
    for (const item of items) {
      const result = completeItem(execution, field, shape, item, {
        prev: path,
        key: results.length,
        typename: undefined,
      })
      results.push(result)
      isPending ||= isPromise(result)
    }
  } catch (error) {
    const pending = [...results, ...items].filter(isPromise)
    return rethrow(error, pending.length > 0 ? Promise.all(pending) : undefined)
  }
  return isPending ? Promise.all(results) : results
}

function completeItem(execution: ExecutionState, field: FieldPlan, shape: Shape, item: unknown, path: Path): unknown {
  try {
    const completed = isPromise(item)
      ? item.then((resolved) => complete(execution, field, shape, resolved, path))
      : complete(execution, field, shape, item, path)
    if (!isPromise(completed)) return completed
    return completed.then(undefined, (error: unknown) => handleError(execution, field, shape, error, path))
  } catch (error) {
    return handleError(execution, field, shape, error, path)
  }
}

function completeAbstract(
  execution: ExecutionState,
  field: FieldPlan,
  type: GraphQLAbstractType,
  value: unknown,
  path: Path,
): unknown {
  const complete = (name: string | undefined) => {
    const runtimeType = name === undefined ? undefined : execution.plan.schema.getType(name)
    if (!isObjectType(runtimeType) || !execution.plan.schema.isSubType(type, runtimeType)) {
      throw new Error(`"${name}" is no type of ${type}`)
    }
    return executeObject(execution, field, runtimeType, value, path)
  }
  const resolveType = type.resolveType ?? defaultTypeResolver
  const name = resolveType(value, execution.contextValue, infoOf(execution, field, path), type)
  return typeof name === 'object' ? name.then(complete) : complete(name)
}

/** The errors that one resolver throws together become errors one by one. */
function handleErrors(execution: ExecutionState, field: FieldPlan, error: unknown, path: Path): null {
  if (execution.signal?.aborted) throw error
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const one of errors) handleError(execution, field, field.shape, one, path)
  return null
}

/** Null takes the place of the value where it is allowed; elsewhere the error goes to the parent. */
function handleError(
  execution: ExecutionState,
  { nodes }: FieldPlan,
  { isNonNull }: Shape,
  error: unknown,
  path: Path,
): null {
  if (execution.signal?.aborted) throw error
  const located = locatedError(error, nodes, pathToArray(path))
  if (isNonNull) throw located
  execution.errors.push(located)
  return null
}

function isPromise(value: unknown): value is Promise<never> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
}
