import type { IncomingMessage } from 'node:http'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/caller.ts'
import type { Chat } from '../chat/chat.ts'
import { QueryTooComplexError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createLoaders } from '../memory/loader.ts'
import type { Memory } from '../memory/memory.ts'
import type { Asker } from '../memory/tokens/fair-queue.ts'
import { createPlanCache } from '../plans/plan-cache.ts'
import { createPlannedQueries, prepareOrRefuse } from '../plans/planned-queries.ts'
import { createPlannedSubscriptions } from '../plans/planned-subscription.ts'
import type { Following, OperationContext } from '../schema/builder.ts'
import { createEventLookups } from '../schema/conversation/event-lookups.ts'
import { createPageRoom } from '../schema/page-room.ts'
import { createReplyLoaders } from '../schema/reply/reply-loaders.ts'
import { createSchema } from '../schema/schema.ts'
import { createHeavyOperations } from './bounds/heavy-operations.ts'
import type { Turns } from './bounds/turns.ts'
import { createConnectionIds } from './connection-ids.ts'
import { createDocumentCache } from './document-cache.ts'
import { createErrorMask } from './error-mask.ts'
import { createLargeAnswers, type LargeAnswers } from './large-answers.ts'
import { createOperationStreams, type OperationStreams, RESULTS, type StreamContext } from './operation-streams.ts'
import { createHiddenSchema } from './receive/hidden-schema.ts'
import { createParameterErrors } from './receive/parameter-errors.ts'
import { createQueryLimits } from './receive/query-limits.ts'
import { createRequestRules } from './receive/request-rules.ts'
import { createVariableFaults, faultsOfVariables } from './receive/variable-faults.ts'
import { createUnbufferedHeads } from './unbuffered-heads.ts'

/** What the handler is made of. */
export interface GraphqlDeps {
  memory: Memory
  chat: Chat
  log: Log
  turns: Turns
  /** Is called before a large answer is written: those that nobody reads are to go. */
  makeRoom(): void
  access: Pick<Access, 'watch'>
}

/** What one operation may take. */
export interface GraphqlLimits {
  /** Of the estimate before it is executed; what it executes may cost ten times as much. */
  maxQueryCost: number
  maxAnswerBytes: number
  /** Else nobody learns from here what the schema is. */
  introspection: boolean
}

/** Executes GraphQL operations, over HTTP by itself and for other transports through `envelop`. */
export interface GraphqlHandler {
  yoga: YogaServerInstance<ServerContext, YogaContext>
  /** Yoga's pipeline, its plugins and the operation's context, for one operation. */
  envelop(asked: Asked): Enveloped
  streams: OperationStreams
  large: LargeAnswers
  /** Subscribes by a plan where there is one, else with `otherwise`. */
  subscribe(args: ExecutionArgs, otherwise: (args: ExecutionArgs) => unknown): Promise<Subscribed>
  maskError(error: unknown): GraphQLError
}

/** Results that come, or one that says why none do. */
export type Subscribed = ExecutionResult | AsyncGenerator<ExecutionResult>

/** Yoga's functions with the plugins around them. */
export type Enveloped = ReturnType<YogaServerInstance<ServerContext, YogaContext>['getEnveloped']>

/** What a transport gives an operation. */
export interface ServerContext {
  /** Who was admitted: there is no operation of nobody. */
  caller: Caller
  /** A result that is there already: Yoga only writes it into the response. */
  result?: ExecutionResult
  following?: Following
  /** The request, or that of the upgrade. */
  req?: Pick<IncomingMessage, 'socket'>
}

/** An operation as it was sent, and what its transport gives. */
export interface Asked extends ServerContext {
  params: { query: string; operationName?: string | null | undefined }
}

/** Yoga's context has that of the operation in it, and once more alone. */
type YogaContext = OperationContext & { own: OperationContext }

/** Estimates take messages of fifty tokens; those of five are ten times as many. */
const EXECUTED_PER_ESTIMATED = 10

/** A page's texts may be asked for twice, as `content` and in `parts`, and take several bytes a character. */
const ANSWER_PER_PAGE = 8

/** About five milliseconds of reading properties. A page of 100 nodes costs less: what its fields look up stays one batch. */
const COST_OF_TURN = 5_000

/** Yoga with this schema and masked errors; a body is limited and checked before it comes here. */
export function createGraphqlHandler(
  { memory, chat, log, turns, makeRoom, access }: GraphqlDeps,
  { maxQueryCost, maxAnswerBytes, introspection }: GraphqlLimits,
): GraphqlHandler {
  const maskError = createErrorMask(log)
  const maxPageLength = Math.floor(maxAnswerBytes / ANSWER_PER_PAGE)
  const streams = createOperationStreams(maskError, access)
  const large = createLargeAnswers({ turns, makeRoom }, maxAnswerBytes)
  const heavy = createHeavyOperations(maxQueryCost)
  const plans = createPlanCache({
    bounds: {
      maxCost: maxQueryCost,
      maxExecutedCost: EXECUTED_PER_ESTIMATED * maxQueryCost,
      maxLength: maxAnswerBytes,
      turns,
      costOfTurn: COST_OF_TURN,
      refuse: (limit, given) => new QueryTooComplexError(limit, given),
      enter: (cost, context) => heavy.enter(cost, askerOf(context as OperationContext)),
      onLarge: large.write,
    },
  })
  const connectionIdOf = createConnectionIds()
  const subscriptions = createPlannedSubscriptions()
  const lookups = createEventLookups({ memory, findReply: chat.find })
  const yoga = createYoga<ServerContext, YogaContext>({
    schema: createSchema(),
    context: ({ caller, following, req }: ServerContext) => {
      const own = {
        ...createOperationContext(caller, connectionIdOf(req?.socket)),
        ...(following !== undefined && { following }),
      }
      return { ...own, own }
    },
    graphqlEndpoint: '/graphql',
    // Served before it comes here.
    graphiql: false,
    plugins: [
      createQueryLimits(),
      ...(introspection ? [] : [createHiddenSchema()]),
      createVariableFaults(),
      clientSignals(),
      createPlannedQueries(plans),
      plannedSubscriptions(),
      large.plugin,
      createParameterErrors(),
      createRequestRules(),
      createUnbufferedHeads(),
      readyResults(),
    ],
    parserAndValidationCache: createDocumentCache(),
    maskedErrors: { maskError },
    landingPage: false,
    healthCheckEndpoint: '/health',
    logging: false,
    cors: false,
    multipart: false,
    // Costs a third of the throughput: the server counts a body's bytes before it comes here.
    maxRequestBodySize: false,
  })
  return { yoga, envelop: (asked) => yoga.getEnveloped(asked), streams, large, maskError, subscribe }

  async function subscribe(args: ExecutionArgs, otherwise: (args: ExecutionArgs) => unknown): Promise<Subscribed> {
    if (faultsOfVariables(args).length > 0) return (await otherwise(args)) as Subscribed
    return open(args, (args.contextValue as YogaContext).own, otherwise)
  }

  /** On Yoga's own way the context of the stream holds the request and the response, which Yoga writes it to. */
  function plannedSubscriptions(): Plugin<YogaContext> {
    return {
      onSubscribe({ subscribeFn, setSubscribeFn }) {
        setSubscribeFn((args: ExecutionArgs) => open(args, args.contextValue as StreamContext, subscribeFn))
      },
    }
  }

  function open(
    args: ExecutionArgs,
    context: StreamContext,
    otherwise: (args: ExecutionArgs) => unknown,
  ): Promise<Subscribed> {
    const execution = prepareOrRefuse(plans, args)
    if (execution === undefined) return streams.open(context, () => otherwise(args), RESULTS)
    if ('errors' in execution) return streams.open(context, () => execution, RESULTS)
    // Yoga's context holds the request, which a stream need not keep for hours.
    const planned = { ...execution, contextValue: (args.contextValue as YogaContext).own }
    return streams.open(context, () => subscriptions.open(planned), subscriptions.mappingOf(planned))
  }

  /** The one place where a caller becomes what resolvers see. */
  function createOperationContext(caller: Caller, connectionId: string): OperationContext {
    const { ownerId } = caller
    const loaders = { ...createLoaders(memory, ownerId, maxAnswerBytes), ...createReplyLoaders(chat, ownerId) }
    const controller = new AbortController()
    const pages = createPageRoom(maxPageLength)
    return { ownerId, caller, connectionId, memory, chat, loaders, lookups, pages, controller }
  }
}

function askerOf({ ownerId, connectionId }: OperationContext): Asker {
  return { ownerId, source: connectionId }
}

/** Where Yoga has the request: what it asks for ends when its client leaves. */
function clientSignals(): Plugin<Partial<YogaContext> & { request?: Request }> {
  return {
    onExecute({ args }) {
      // graphql-js and our plans know it, the type of Yoga does not.
      Object.assign(args, { abortSignal: (args as ExecutionArgs).abortSignal ?? args.contextValue.request?.signal })
    },
  }
}

function readyResults(): Plugin<object, ServerContext> {
  return {
    onParams({ context, setResult }) {
      if (context.result !== undefined) setResult(context.result)
    },
  }
}
