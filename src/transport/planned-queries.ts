import { getVariableValues } from '@graphql-tools/executor'
import type { DocumentNode, ExecutionArgs } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { MAX_KEPT_CHARS } from './document-cache.ts'
import { createIsoTimes } from './iso-time.ts'
import { subscribePlanned } from './planned-subscription.ts'
import { planQuery, type QueryPlan } from './query-plan.ts'
import type { QueryRun } from './resolve-field.ts'
import { runQueryPlan } from './run-query-plan.ts'

/** A plan that fragments made larger than this is not kept. */
const MAX_PLAN_FIELDS = 1_000

type Plans = Map<string | undefined, QueryPlan | undefined>

/**
 * Executes queries, and subscriptions for each event, by plans that are kept with their documents. Whatever has no plan, and variables that
 * do not fit, go to the executor that is there. Not graphql-jit: it makes code of literals in a
 * document, which whoever asks can then run, and 718 characters of fragments keep it busy for 2.6 s.
 */
export function createPlannedQueries(): Plugin {
  const plans = new WeakMap<DocumentNode, Plans>()
  const toIso = createIsoTimes()

  function prepare(args: ExecutionArgs): QueryRun | undefined {
    const plan = planOf(plans, args)
    if (plan === undefined) return undefined
    const definitions = plan.operation.variableDefinitions ?? []
    const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {})
    if (variables.errors) return undefined
    const { rootValue, contextValue } = args
    return { plan, rootValue, contextValue, variables: variables.variableValues, toIso }
  }

  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const run = prepare(args)
        return run ? runQueryPlan(run) : executeFn(args)
      })
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => {
        const run = prepare(args)
        return run ? subscribePlanned(run) : subscribeFn(args)
      })
    },
  }
}

function planOf(
  kept: WeakMap<DocumentNode, Plans>,
  { schema, document, operationName }: ExecutionArgs,
): QueryPlan | undefined {
  const name = operationName ?? undefined
  let plans = kept.get(document)
  if (plans === undefined) {
    plans = new Map()
    kept.set(document, plans)
  }
  let plan = plans.get(name)
  if (plan === undefined && !plans.has(name) && (document.loc?.end ?? 0) <= MAX_KEPT_CHARS) {
    plan = planQuery(schema, document, name)
    plans.set(name, plan)
  }
  // Fragments that repeat each other can make a few hundred characters millions of fields.
  if (plan !== undefined && plan.size > MAX_PLAN_FIELDS) plans.set(name, undefined)
  return plan
}
