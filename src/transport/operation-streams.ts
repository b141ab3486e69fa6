import type { ServerResponse } from 'node:http'
import type { ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, isPromise } from 'graphql-yoga'
import type { Access } from '../access/access.ts'
import { CallerExpiredError } from '../errors.ts'
import type { EventMapping } from '../plans/planned-subscription.ts'
import type { OperationContext } from '../schema/builder.ts'

/** Why a stream's signal was aborted that ends with its server, and not by itself or by its client. */
export const SERVER_STOPS = Symbol('the server stops')

/** The subscriptions that are open, whatever transport they came by. */
export interface OperationStreams {
  /**
   * Aborts a subscription's controller at once when its client leaves or it ends, and turns what its source
   * throws into a last result. Errors are masked. Where the context has a response, that breaks off when the
   * server stops, as Yoga would complete it. The stream of a caller whose proof expires is completed.
   */
  open(context: StreamContext, source: StreamSource, mapping: EventMapping): Promise<Opened>
  /** Ends all streams, their signals with the reason SERVER_STOPS: clients are to come back. */
  endAll(): void
  readonly size: number
}

/** Returns an iterable of events, or a result that says why there is none. An open stream keeps no reference to it. */
export type StreamSource = () => unknown

type Opened = ExecutionResult | AsyncGenerator<ExecutionResult>
/** The response is there where Yoga writes the stream. */
export type StreamContext = OperationContext & { request?: Request; res?: ServerResponse }
type MaskError = (error: unknown) => GraphQLError

/** Events that are results already. */
export const RESULTS: EventMapping = { toResult: (result) => result as ExecutionResult, toError: (error) => error }

/**
 * A set of controllers: `AbortSignal.any` with a signal that lives as long as the process keeps 0.7 kB
 * an operation for ever.
 */
export function createOperationStreams(maskError: MaskError, access: Pick<Access, 'watch'>): OperationStreams {
  const streams = new Set<AbortController>()

  async function open(
    { controller, caller, request, res }: StreamContext,
    source: StreamSource,
    mapping: EventMapping,
  ): Promise<Opened> {
    streams.add(controller)
    const unwatch = access.watch(caller, () => controller.abort(new CallerExpiredError()))
    const forget = () => {
      streams.delete(controller)
      unwatch()
    }
    controller.signal.addEventListener('abort', forget, { once: true })
    if (request?.signal.aborted) controller.abort()
    else request?.signal.addEventListener('abort', () => controller.abort(), { once: true })
    try {
      const events = await source()
      if (isAsyncIterable(events)) {
        const cut = () => res && breakOff(res)
        return guardStream(events[Symbol.asyncIterator](), mapping, controller, maskError, cut)
      }
      controller.abort()
      return mask(events as ExecutionResult, maskError)
    } catch (error) {
      controller.abort()
      throw error
    }
  }

  function endAll(): void {
    for (const controller of streams) controller.abort(SERVER_STOPS)
  }

  return {
    open,
    endAll,
    get size() {
      return streams.size
    },
  }
}

/**
 * A generator handles a `return` only after its next value, which may be hours away. So this iterator is
 * made by hand: its `return` aborts the operation at once.
 */
function guardStream(
  events: AsyncIterator<unknown>,
  { toResult, toError }: EventMapping,
  controller: AbortController,
  maskError: MaskError,
  cut: () => void,
): AsyncGenerator<ExecutionResult, void, undefined> {
  function finish() {
    controller.abort()
    if (controller.signal.reason === SERVER_STOPS) cut()
    return { done: true, value: undefined } as const
  }
  async function end() {
    controller.abort()
    await events.return?.()
    return finish()
  }
  function yieldResult(result: ExecutionResult) {
    return { done: false as const, value: mask(result, maskError) }
  }
  function fail(error: unknown) {
    controller.abort()
    return { done: false as const, value: { errors: [maskError(toError(error))] } }
  }
  function consume(event: IteratorResult<unknown>) {
    if (event.done) return finish()
    try {
      const result = toResult(event.value)
      return isPromise(result) ? result.then(yieldResult, fail) : yieldResult(result)
    } catch (error) {
      return fail(error)
    }
  }
  return {
    next: () => (controller.signal.aborted ? end() : events.next().then(consume, fail)),
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

/** A client takes `complete` for the end of a subscription, and a broken connection for a reason to come back. */
export function breakOff(response: ServerResponse): void {
  response.socket?.destroySoon()
}

function mask(result: ExecutionResult, maskError: MaskError): ExecutionResult {
  return result.errors === undefined ? result : { ...result, errors: result.errors.map(maskError) }
}
