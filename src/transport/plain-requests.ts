import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DocumentNode, type ExecutionResult, getOperationAST } from 'graphql'
import { processRegularResult } from 'graphql-yoga'
import type { GraphqlHandler } from './graphql-handler.ts'
import { decodeOperation, type OperationParams, plainAnswerType } from './json-request.ts'

/** Answers plain requests: queries and mutations that come by POST as JSON and want JSON. */
export interface PlainRequests {
  /** Resolves to false, with nothing done, when the request is Yoga's to answer. */
  answer(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<boolean>
}

type Enveloped = ReturnType<GraphqlHandler['yoga']['getEnveloped']>

interface Operation {
  enveloped: Enveloped
  document: DocumentNode
  params: OperationParams
}

/**
 * Runs Yoga's own pipeline with its plugins, as for WebSocket, but without the fetch layer around it.
 * What is no plain and valid query or mutation is left to Yoga, and with it the wording of every error
 * but those of execution.
 */
export function createPlainRequests({ yoga, maskError }: Pick<GraphqlHandler, 'yoga' | 'maskError'>): PlainRequests {
  const { fetchAPI, getEnveloped } = yoga
  return {
    async answer(request, body, response) {
      const type = plainAnswerType(request)
      const operation = type && prepare(getEnveloped, body)
      if (!operation) return false
      const result = await execute(operation, maskError)
      if (result.errors === undefined && result.extensions === undefined) {
        write(response, 200, { 'content-type': `${type}; charset=utf-8` }, JSON.stringify(result))
        return true
      }
      const answer = processRegularResult(result, fetchAPI, type)
      write(response, answer.status, Object.fromEntries(answer.headers), await answer.text())
      return true
    },
  }
}

/** Undefined for what Yoga answers. Nothing has been executed by then, so it meets any error anew. */
function prepare(getEnveloped: GraphqlHandler['yoga']['getEnveloped'], body: Buffer): Operation | undefined {
  const params = decodeOperation(body)
  if (params === undefined) return undefined
  try {
    const enveloped = getEnveloped({ params })
    const document: DocumentNode = enveloped.parse(params.query)
    if (enveloped.validate(enveloped.schema, document).length > 0) return undefined
    const kind = getOperationAST(document, params.operationName)?.operation
    return kind === 'query' || kind === 'mutation' ? { enveloped, document, params } : undefined
  } catch {
    return undefined
  }
}

async function execute(
  { enveloped, document, params }: Operation,
  maskError: GraphqlHandler['maskError'],
): Promise<ExecutionResult> {
  try {
    return await enveloped.execute({
      schema: enveloped.schema,
      document,
      contextValue: await enveloped.contextFactory(),
      variableValues: params.variables,
      operationName: params.operationName,
    })
  } catch (error) {
    return { errors: [maskError(error)] }
  }
}

function write(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
