import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import {
  BadUserInputError,
  ConversationUnreadableError,
  HistoryUnavailableError,
  NotFoundError,
  QueryTooComplexError,
  RateLimitedError,
} from '../errors.ts'
import type { Log } from '../log.ts'

/**
 * Decides what of an error a client sees: a GraphQLError as it is, an error of ours with its code and
 * data, and of anything else only an id, under which it is logged, once, with its cause.
 */
export function createErrorMask(log: Log): (error: unknown) => GraphQLError {
  return (error) => {
    const cause = causeOf(error)
    if (cause === undefined) return error as GraphQLError
    // What a store answered has a line of its own where that begins, and not one for each request that it fails.
    if (cause instanceof HistoryUnavailableError) {
      log[cause.reason === '' ? 'warn' : 'debug']({ err: cause }, 'history unavailable')
    }
    if (cause instanceof ConversationUnreadableError) log.error({ err: cause }, 'conversation unreadable')
    const extensions = extensionsOf(cause)
    if (extensions !== undefined && cause instanceof Error) return replace(error, cause.message, extensions)
    const errorId = randomUUID()
    log.error({ err: cause, errorId }, 'unexpected error')
    return replace(error, 'Unexpected error.', { code: 'INTERNAL_SERVER_ERROR', errorId, unexpected: true })
  }
}

/** What was thrown before GraphQL wrapped it; undefined when that was a GraphQLError itself. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error ?? new Error('Nothing was thrown')
  return error.originalError === undefined ? undefined : causeOf(error.originalError)
}

function extensionsOf(error: unknown): Record<string, unknown> | undefined {
  if (error instanceof BadUserInputError) return { code: error.code, field: error.field }
  if (error instanceof HistoryUnavailableError) return { code: error.code, retryable: error.retryable }
  if (error instanceof QueryTooComplexError) return { code: error.code, http: { status: 400 } }
  if (error instanceof RateLimitedError) return rateLimit(error)
  if (error instanceof ConversationUnreadableError) return { code: error.code, conversationId: error.conversationId }
  return error instanceof NotFoundError ? { code: error.code } : undefined
}

/** For clients and for what is between: RFC 9110, 10.2.3. */
function rateLimit({ code, retryAfterMs }: RateLimitedError): Record<string, unknown> {
  return {
    code,
    retryAfterMs,
    http: { status: 503, headers: { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) } },
  }
}

/** Keeps where in the query it happened. */
function replace(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions })
  const { nodes, source, positions, path } = error
  return new GraphQLError(message, { nodes, source, positions, path, extensions })
}
