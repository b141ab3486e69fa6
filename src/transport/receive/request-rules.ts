import { GraphQLError, getOperationAST } from 'graphql'
import { type Plugin, processRegularResult } from 'graphql-yoga'
import { accepts } from './accept.ts'

/** The media types that Yoga writes results of an operation in. */
const STREAM_TYPES = ['text/event-stream']
const RESULT_TYPES = ['application/json', 'application/graphql-response+json', 'multipart/mixed', ...STREAM_TYPES]

/**
 * Refuses, before anything is executed, an operation whose answer the client does not accept, and anything
 * but a query by GET: Yoga executes the former and answers 406 with an empty body, and any web page could
 * open the subscriptions that Yoga takes by GET without a preflight. A refusal is JSON, whatever is accepted.
 */
export function createRequestRules(): Plugin {
  return {
    onParse: () => {
      return ({ result, context: { request, params } }) => {
        if (request === undefined || result === null || result instanceof Error) return
        const kind = getOperationAST(result, params?.operationName)?.operation
        if (kind !== undefined) checkRequest(request, kind === 'subscription')
      }
    },
    onResultProcess({ resultProcessor, setResultProcessor }) {
      if (resultProcessor === undefined) setResultProcessor(processRegularResult, 'application/json')
    },
  }
}

/** Yoga itself refuses mutations by GET. */
function checkRequest({ method, headers }: Request, isSubscription: boolean): void {
  if (method === 'GET' && isSubscription) {
    throw refusal(405, 'BAD_REQUEST', 'Can only subscribe by POST.', { Allow: 'POST' })
  }
  const types = isSubscription ? STREAM_TYPES : RESULT_TYPES
  if (accepts(headers.get('accept'), types)) return
  const message = isSubscription
    ? 'A subscription is answered by server-sent events: send `accept: text/event-stream`, or subscribe over WebSocket.'
    : 'A query or mutation is answered by JSON: send `accept: application/json`.'
  throw refusal(406, 'NOT_ACCEPTABLE', message)
}

function refusal(status: number, code: string, message: string, headers = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } })
}
