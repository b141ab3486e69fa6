import type { ExecutionArgs } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { executePlan } from './execute-plan.ts'
import type { PlanCache } from './plan-cache.ts'

/**
 * Executes queries by plans that live as long as their documents. Operations without a plan, and those whose
 * variables do not fit, go to the executor that is there. Not graphql-jit: it makes code of what strangers
 * send, and 718 characters of fragments keep it busy for 2.6 s.
 */
export function createPlannedQueries(plans: PlanCache): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const execution = plans.prepare(args)
        return execution ? executePlan(execution) : executeFn(args)
      })
    },
  }
}
