import { getVariableValues } from '@graphql-tools/executor'
import { type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql'
import { planQuery, type QueryPlan } from './query-plan.ts'
import type { Execution } from './resolve-field.ts'

/** Plans that live as long as their documents. */
export interface PlanCache {
  /** An operation with its plan and its variables; undefined where it has no plan, or they do not fit. */
  prepare(args: ExecutionArgs): Execution | undefined
}

/** Keyed by the parsed operation, never by a client's text. */
type Plans = WeakMap<OperationDefinitionNode, QueryPlan | undefined>

/** One error is enough to know that they do not fit: the executor words them all. */
const ONE_ERROR = { maxErrors: 1 }

/** Plans an operation when it is prepared first, and keeps the plan as long as its document. */
export function createPlanCache(): PlanCache {
  const plans: Plans = new WeakMap()
  return { prepare }

  function prepare(args: ExecutionArgs): Execution | undefined {
    const plan = planOf(plans, args)
    if (plan === undefined) return undefined
    const definitions = plan.operation.variableDefinitions ?? []
    const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {}, ONE_ERROR)
    if (variables.errors) return undefined
    const { rootValue, contextValue } = args
    return { plan, rootValue, contextValue, variables: variables.variableValues }
  }
}

function planOf(plans: Plans, { schema, document, operationName }: ExecutionArgs): QueryPlan | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation) return undefined
  if (!plans.has(operation)) plans.set(operation, planQuery(schema, document, operation))
  return plans.get(operation)
}
