import type { ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { OperationContext } from '../schema/builder.ts'

/** The subscriptions that are open, whatever transport they came by. */
export interface OperationStreams {
  /** Aborts a subscription's controller at once when its client leaves, and turns a thrown error into a last result. */
  plugin: Plugin<OperationContext>
  /** Ends all streams: their clients see them complete. */
  endAll(): void
  readonly size: number
}

type Results = AsyncIterator<ExecutionResult>

/**
 * A set of controllers: `AbortSignal.any` with a signal that lives as long as the process keeps 0.7 kB
 * an operation for ever.
 */
export function createOperationStreams(maskError: (error: unknown) => GraphQLError): OperationStreams {
  const open = new Set<AbortController>()

  async function openStream(context: OperationContext & { request?: Request }, start: () => unknown): Promise<unknown> {
    const { controller, request } = context
    open.add(controller)
    controller.signal.addEventListener('abort', () => open.delete(controller), { once: true })
    if (request?.signal.aborted) controller.abort()
    else request?.signal.addEventListener('abort', () => controller.abort(), { once: true })
    try {
      const result = await start()
      if (isAsyncIterable(result)) return guardStream(result[Symbol.asyncIterator]() as Results, controller, maskError)
      controller.abort()
      return result
    } catch (error) {
      controller.abort()
      throw error
    }
  }

  return {
    plugin: {
      onSubscribe({ subscribeFn, setSubscribeFn }) {
        setSubscribeFn((args) => openStream(args.contextValue, () => subscribeFn(args)))
      },
    },
    endAll() {
      for (const controller of open) controller.abort()
    },
    get size() {
      return open.size
    },
  }
}

/**
 * A generator would take a `return` only after its next value, which may be hours away: so this is an
 * iterator by hand, whose `return` aborts what the value is waited for with.
 */
function guardStream(
  results: Results,
  controller: AbortController,
  maskError: (error: unknown) => GraphQLError,
): AsyncGenerator<ExecutionResult, void, undefined> {
  const done = { done: true, value: undefined } as const
  async function end() {
    controller.abort()
    await results.return?.()
    return done
  }
  return {
    async next() {
      if (controller.signal.aborted) return end()
      try {
        const result = await results.next()
        if (result.done) controller.abort()
        return result.done ? done : result
      } catch (error) {
        controller.abort()
        return { done: false, value: { errors: [maskError(error)] } }
      }
    },
    return: end,
    throw: end,
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}
