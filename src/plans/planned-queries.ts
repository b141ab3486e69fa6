import { type ExecutionArgs, type ExecutionResult, type GraphQLError, locatedError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { executePlan } from './execute-plan.ts'
import type { Leave } from './execution-bounds.ts'
import type { PlanCache } from './plan-cache.ts'
import type { Execution } from './resolve-field.ts'

/**
 * Executes queries and mutations by plans that live as long as their documents. What names no operation, or has
 * variables that do not fit, goes to the executor that is there: it words that, and executes nothing. Not graphql-jit: it makes code of what strangers
 * send, and 718 characters of fragments keep it busy for 2.6 s.
 */
export function createPlannedQueries(plans: PlanCache): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const execution = prepareOrRefuse(plans, args)
        if (execution === undefined) return executeFn(args)
        return 'errors' in execution ? execution : executeBesideOthers(execution)
      })
    },
  }
}

/** Executes it when there is room for it. */
function executeBesideOthers(execution: Execution): ExecutionResult | Promise<ExecutionResult> {
  const { bounds, cost, contextValue } = execution
  try {
    const entered = cost && bounds?.enter(cost, contextValue)
    return entered === undefined ? executePlan(execution) : executeInRoom(execution, entered)
  } catch (error) {
    return refused(error)
  }
}

async function executeInRoom(execution: Execution, entered: Leave | Promise<Leave>): Promise<ExecutionResult> {
  const leave = await entered
  try {
    return await executePlan(execution)
  } finally {
    leave()
  }
}

/** What `prepare` returns, or a result with the error that it throws. */
export function prepareOrRefuse(
  plans: PlanCache,
  args: ExecutionArgs,
): Execution | { errors: readonly Error[] } | undefined {
  try {
    return plans.prepare(args)
  } catch (error) {
    return refused(error)
  }
}

function refused(error: unknown): { errors: readonly GraphQLError[] } {
  return { errors: [locatedError(error, undefined)] }
}
