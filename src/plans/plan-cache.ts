import { getVariableValues } from '@graphql-tools/executor'
import { type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql'
import { planQuery, type QueryPlan } from './query-plan.ts'
import type { Execution } from './resolve-field.ts'

/** Plans that live as long as their documents, bounded together. */
export interface PlanCache {
  /** An operation with its plan and its variables; undefined where it has no plan, or they do not fit. */
  prepare(args: ExecutionArgs): Execution | undefined
  /** How many fields the plans have in all, counting those of documents that are gone. */
  readonly size: number
}

/** Keyed by the parsed operation, never by a client's text. */
type Plans = WeakMap<OperationDefinitionNode, QueryPlan | undefined>

/** A field takes about 400 bytes. */
const MAX_FIELDS = 20_000
/** One error is enough to know that they do not fit: the executor words them all. */
const ONE_ERROR = { maxErrors: 1 }

/**
 * Plans an operation when it is prepared first. When all plans together have more than `maxFields` they are
 * dropped, and each operation is planned anew when it comes again; a stream keeps the plan that it has.
 */
export function createPlanCache(maxFields = MAX_FIELDS): PlanCache {
  let plans: Plans = new WeakMap()
  let size = 0

  function prepare(args: ExecutionArgs): Execution | undefined {
    const plan = planOf(args)
    if (plan === undefined) return undefined
    const definitions = plan.operation.variableDefinitions ?? []
    const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {}, ONE_ERROR)
    if (variables.errors) return undefined
    const { rootValue, contextValue, abortSignal } = args
    return { plan, rootValue, contextValue, signal: abortSignal ?? undefined, variables: variables.variableValues }
  }

  function planOf({ schema, document, operationName }: ExecutionArgs): QueryPlan | undefined {
    const operation = getOperationAST(document, operationName)
    if (!operation) return undefined
    if (plans.has(operation)) return plans.get(operation)
    const plan = planQuery(schema, document, operation, keep)
    plans.set(operation, plan)
    return plan
  }

  function keep(fields: number): void {
    size += fields
    if (size <= maxFields) return
    plans = new WeakMap()
    size = 0
  }

  return {
    prepare,
    get size() {
      return size
    },
  }
}
