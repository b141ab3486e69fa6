import { type ExecutionResult, GraphQLError, locatedError } from 'graphql'
import { type ExecutionBounds, isLarge } from './execution-bounds.ts'
import type { ExecutionState } from './field-errors.ts'

/** What a plan gives for its operation; null where an error reached the root. */
export type Data = NonNullable<ExecutionResult['data']> | null

/** The result of an operation whose client left. */
export const ABORTED: ExecutionResult = { errors: [new GraphQLError('The operation was aborted.')], data: null }

/** The result of what was executed; a large one is written in turns before it is given. */
export function toResult(execution: ExecutionState, data: Data): ExecutionResult | Promise<ExecutionResult> {
  const { errors, use } = execution
  const result = errors.length === 0 ? { data } : { errors, data }
  return data !== null && isLarge(use) && use.bounds !== undefined
    ? finishLarge(execution, use.bounds, data, result)
    : result
}

async function finishLarge(
  { client }: ExecutionState,
  { onLarge }: ExecutionBounds,
  data: object,
  result: ExecutionResult,
): Promise<ExecutionResult> {
  try {
    await onLarge(data, client)
    return result
  } catch (error) {
    return client?.aborted ? ABORTED : { errors: [locatedError(error, undefined)], data: null }
  }
}
