import { getVariableValues } from '@graphql-tools/executor'
import { type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql'
import { planQuery, type QueryPlan } from './query-plan.ts'
import type { QueryRun } from './resolve-field.ts'

/** Plans that are kept with their documents. */
export interface KeptPlans {
  /** An operation with its plan and its variables; undefined where it has no plan, or they do not fit. */
  prepare(args: ExecutionArgs): QueryRun | undefined
}

/** By operation, so that no client's words are keys. */
type Plans = WeakMap<OperationDefinitionNode, QueryPlan | undefined>

/** One is enough to know that they do not fit: the executor finds it again, and says more. */
const ONE_ERROR = { maxErrors: 1 }

/** None at first. */
export function createKeptPlans(): KeptPlans {
  const plans: Plans = new WeakMap()
  return {
    prepare(args) {
      const plan = planOf(plans, args)
      if (plan === undefined) return undefined
      const definitions = plan.operation.variableDefinitions ?? []
      const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {}, ONE_ERROR)
      if (variables.errors) return undefined
      const { rootValue, contextValue } = args
      return { plan, rootValue, contextValue, variables: variables.variableValues }
    },
  }
}

function planOf(plans: Plans, { schema, document, operationName }: ExecutionArgs): QueryPlan | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation) return undefined
  if (!plans.has(operation)) plans.set(operation, planQuery(schema, document, operation))
  return plans.get(operation)
}
