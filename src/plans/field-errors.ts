import { pathToArray } from '@graphql-tools/utils'
import { GraphQLError, type GraphQLResolveInfo, locatedError } from 'graphql'
import { chargeError, type ExecutionUse } from './execution-bounds.ts'
import type { FieldPlan, Shape } from './query-plan.ts'
import type { Execution } from './resolve-field.ts'

type Path = GraphQLResolveInfo['path']

/** An execution that is under way: the errors of its fields, and what it has used of its bounds. */
export interface ExecutionState extends Execution {
  errors: GraphQLError[]
  use: ExecutionUse
}

/** The errors that one resolver throws together become errors one by one. */
export function handleErrors(execution: ExecutionState, field: FieldPlan, error: unknown, path: Path): null {
  if (isEnded(execution)) throw endedAt(execution, error, field, path)
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const one of errors) handleError(execution, field, field.shape, one, path)
  return null
}

/** Null takes the place of the value where it is allowed; elsewhere the error goes to the parent. */
export function handleError(
  execution: ExecutionState,
  field: FieldPlan,
  { isNonNull }: Shape,
  error: unknown,
  path: Path,
): null {
  if (isEnded(execution)) throw endedAt(execution, error, field, path)
  const located = locatedError(error, field.nodes, pathToArray(path))
  chargeError(execution.use, located.message)
  if (isNonNull) throw located
  execution.errors.push(located)
  return null
}

/** The error that it ends with, which says where that was first. */
function endedAt({ use }: ExecutionState, error: unknown, { nodes }: FieldPlan, path: Path): unknown {
  if (use.stopped === undefined) return error
  if (!(use.stopped instanceof GraphQLError)) use.stopped = locatedError(use.stopped, nodes, pathToArray(path))
  return use.stopped
}

/** No error of a field is of any use then. */
function isEnded({ signal, use }: ExecutionState): boolean {
  return signal?.aborted === true || use.stopped !== undefined
}
