import { getVariableValues } from '@graphql-tools/executor'
import { type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { MAX_KEPT_CHARS } from './document-cache.ts'
import { createIsoTimes } from './iso-time.ts'
import { planQuery, type QueryPlan } from './query-plan.ts'
import { runQueryPlan } from './run-query-plan.ts'

/** By operation, so that no client's words are keys. */
type Plans = WeakMap<OperationDefinitionNode, QueryPlan | undefined>

/**
 * Executes queries by plans that are kept with their documents. Whatever has no plan, and variables that
 * do not fit, go to the executor that is there. Not graphql-jit: it makes code of literals in a
 * document, which whoever asks can then run, and 718 characters of fragments keep it busy for 2.6 s.
 */
export function createPlannedQueries(): Plugin {
  const plans: Plans = new WeakMap()
  const toIso = createIsoTimes()
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const plan = planOf(plans, args)
        if (plan === undefined) return executeFn(args)
        const definitions = plan.operation.variableDefinitions ?? []
        const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {})
        if (variables.errors) return executeFn(args)
        const { rootValue, contextValue } = args
        return runQueryPlan({ plan, rootValue, contextValue, variables: variables.variableValues, toIso })
      })
    },
  }
}

function planOf(plans: Plans, { schema, document, operationName }: ExecutionArgs): QueryPlan | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation || (document.loc?.end ?? 0) > MAX_KEPT_CHARS) return undefined
  if (!plans.has(operation)) plans.set(operation, planQuery(schema, document, operation))
  return plans.get(operation)
}
