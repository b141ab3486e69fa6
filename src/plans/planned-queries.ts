import type { ExecutionArgs } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { KeptPlans } from './kept-plans.ts'
import { runQueryPlan } from './run-query-plan.ts'

/**
 * Executes queries by plans that are kept with their documents. Whatever has no plan, and variables that
 * do not fit, go to the executor that is there. Not graphql-jit: it makes code of what strangers send,
 * and 718 characters of fragments keep it busy for 2.6 s.
 */
export function createPlannedQueries(plans: KeptPlans): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const run = plans.prepare(args)
        return run ? runQueryPlan(run) : executeFn(args)
      })
    },
  }
}
