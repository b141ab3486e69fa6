import { getArgumentValues } from '@graphql-tools/utils'
import { type ExecutionResult, GraphQLError, locatedError } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { FieldPlan } from './query-plan.ts'
import { infoOf, type QueryRun } from './resolve-field.ts'
import { runQueryPlan } from './run-query-plan.ts'

type Results = AsyncIterableIterator<ExecutionResult>

/**
 * Subscribes by a plan: each event takes one execution of it, 2 µs for a delta instead of 40. A source that
 * fails is a result with its error, and one that throws later rejects, as with Yoga's executor.
 */
export async function subscribePlanned(run: QueryRun): Promise<Results | ExecutionResult> {
  const [field] = run.plan.root.fields
  if (field === undefined) throw new TypeError('A subscription without a field')
  try {
    const source = await openSource(run, field)
    if (!isAsyncIterable(source)) throw new GraphQLError('Subscription field must return Async Iterable.')
    return mapEvents(run, source[Symbol.asyncIterator]())
  } catch (error) {
    return { errors: [locatedError(error, field.nodes, [field.key])] }
  }
}

function openSource(run: QueryRun, field: FieldPlan): unknown {
  const { definition, nodes, key, parentType } = field
  const [node] = nodes
  const given = node === undefined ? {} : getArgumentValues(definition, node, run.variables.coerced)
  const path = { prev: undefined, key, typename: parentType.name }
  return definition.subscribe?.(run.rootValue, given, run.contextValue, infoOf(run, field, path))
}

/** By hand: a generator would take a `return` only after its next value. */
function mapEvents(run: QueryRun, events: AsyncIterator<unknown>): Results {
  return {
    async next() {
      const { done, value } = await nextOf(run, events)
      return done
        ? { done, value: undefined }
        : { done: false, value: await runQueryPlan({ ...run, rootValue: value }) }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function nextOf({ plan }: QueryRun, events: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> {
  try {
    return await events.next()
  } catch (error) {
    const originalError = error instanceof Error ? error : new Error(String(error))
    throw new GraphQLError(originalError.message, { nodes: [plan.operation], originalError })
  }
}
