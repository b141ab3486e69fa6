import { getVariableValues } from '@graphql-tools/executor'
import { type DocumentNode, type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql'
import { createCostCheck } from './cost-check.ts'
import type { ExecutionBounds } from './execution-bounds.ts'
import { dependsOnVariables, planQuery, type QueryPlan } from './query-plan.ts'
import type { Execution } from './resolve-field.ts'

/** Plans that live as long as their documents, bounded together. */
export interface PlanCache {
  /**
   * An operation with its plan and its variables; undefined where none is chosen, or they do not fit: the executor at
   * hand words that. Throws when it costs more than the bounds allow.
   */
  prepare(args: ExecutionArgs): Execution | undefined
  /** How many fields the plans have in all, counting those of documents that are gone. */
  readonly size: number
}

/** Without bounds nothing is refused, and nothing takes turns. */
export interface PlanCacheLimits {
  bounds?: ExecutionBounds
  maxFields?: number
}

type Variables = Execution['variables']
/** What is known of an operation. Which variables its fields depend on: none, as in most, or some. */
type Kept = QueryPlan | 'DEPENDS_ON_VARIABLES' | undefined

/** A field takes about 400 bytes. */
const MAX_FIELDS = 20_000
/** One error is enough to know that they do not fit: the executor words them all. */
const ONE_ERROR = { maxErrors: 1 }

/**
 * Plans an operation when it is prepared first. When all plans together have more than `maxFields` they are
 * dropped, and each operation is planned anew when it comes again; a stream keeps the plan that it has. Where
 * directives depend on variables, each execution has a plan of its own.
 */
export function createPlanCache({ bounds, maxFields = MAX_FIELDS }: PlanCacheLimits = {}): PlanCache {
  // Keyed by the parsed operation, never by a client's text.
  let plans = new WeakMap<OperationDefinitionNode, Kept>()
  const checkCost = bounds && createCostCheck(bounds)
  let size = 0

  function prepare(args: ExecutionArgs): Execution | undefined {
    const { schema, document, rootValue, contextValue, abortSignal } = args
    const operation = getOperationAST(document, args.operationName)
    if (!operation) return undefined
    const definitions = operation.variableDefinitions ?? []
    const given = getVariableValues(schema, definitions, args.variableValues ?? {}, ONE_ERROR)
    if (given.errors) return undefined
    const variables = given.variableValues
    const cost = checkCost?.(schema, document, operation, variables.coerced)
    const plan = planOf(args, operation, variables)
    // What a mutation does is done whoever leaves.
    const signal = operation.operation === 'mutation' ? undefined : abortSignal
    const base = { rootValue, contextValue, signal: signal ?? undefined, client: abortSignal ?? undefined, variables }
    return plan && { ...base, plan, cost, bounds }
  }

  function planOf(
    { schema, document }: ExecutionArgs,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): QueryPlan | undefined {
    const kept = plans.has(operation) ? plans.get(operation) : planToKeep(schema, document, operation)
    plans.set(operation, kept)
    return kept === 'DEPENDS_ON_VARIABLES' ? planQuery(schema, document, operation, { variables }) : kept
  }

  function planToKeep(
    schema: ExecutionArgs['schema'],
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): Kept {
    if (dependsOnVariables(document)) return 'DEPENDS_ON_VARIABLES'
    return planQuery(schema, document, operation, { onKeep: keep })
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
