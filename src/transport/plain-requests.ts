import type { ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { processRegularResult } from 'graphql-yoga'
import type { OperationContext } from '../schema/builder.ts'
import type { GraphqlHandler } from './graphql-handler.ts'
import { type PreparedOperation, prepareOperation } from './prepared-operation.ts'
import type { Admitted } from './receive/credentials.ts'
import { plainAnswerType } from './receive/json-request.ts'
import { forget, type ReceivedBody } from './receive/request-body.ts'

/** Answers plain requests: queries and mutations that come by POST as JSON and want JSON. */
export interface PlainRequests {
  /** Resolves to false, with nothing done, when the request is Yoga's to answer. */
  answer(admitted: Admitted, received: ReceivedBody, response: ServerResponse): Promise<boolean>
}

/**
 * Runs Yoga's own pipeline with its plugins, as for WebSocket, but without the fetch layer around it: an
 * answer of one field takes 30 µs of processor time instead of 63, HTTP included. Hooks of that layer
 * (`onRequest`, `onParams`, `onResultProcess` and such) do not run. Anything but a plain and valid query or
 * mutation goes to Yoga, which words every error but those of execution.
 */
export function createPlainRequests({
  yoga,
  envelop,
  maskError,
  large,
}: Pick<GraphqlHandler, 'yoga' | 'envelop' | 'maskError' | 'large'>): PlainRequests {
  const { fetchAPI } = yoga
  return { answer }

  async function answer(
    { request, caller }: Admitted,
    received: ReceivedBody,
    response: ServerResponse,
  ): Promise<boolean> {
    const type = plainAnswerType(request)
    const operation = type && prepareOperation(envelop, { caller, req: request }, received.body)
    if (!operation || operation.kind === 'subscription') return false
    forget(received)
    const result = await execute(operation, response, maskError)
    if (response.destroyed) return true
    if (result.errors === undefined && result.extensions === undefined) {
      const body = large.textOf(result) ?? JSON.stringify(result)
      write(response, 200, { 'content-type': `${type}; charset=utf-8` }, [body])
      return true
    }
    const { head, rest } = large.split(result)
    const answer = processRegularResult(head, fetchAPI, type)
    write(response, answer.status, Object.fromEntries(answer.headers), [await answer.text(), ...rest])
    return true
  }
}

async function execute(
  { enveloped, document, params }: PreparedOperation,
  response: ServerResponse,
  maskError: GraphqlHandler['maskError'],
): Promise<ExecutionResult> {
  try {
    const contextValue = (await enveloped.contextFactory()) as OperationContext
    const { controller } = contextValue
    // Not at a normal end: an abort that nobody needs takes longer than a small answer.
    response.once('close', () => response.writableFinished || controller.abort())
    const { variables: variableValues, operationName } = params
    const args = { schema: enveloped.schema, document, contextValue, variableValues, operationName }
    // The name of graphql-js, which plans know. Mutations have no plan: they are done whoever leaves.
    return await enveloped.execute(Object.assign(args, { abortSignal: controller.signal }))
  } catch (error) {
    return { errors: [maskError(error)] }
  }
}

function write(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  pieces: readonly (string | Buffer)[],
): void {
  const length = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)
  response.writeHead(status, { ...headers, 'content-length': length })
  for (const piece of pieces.slice(0, -1)) response.write(piece)
  response.end(pieces.at(-1))
}
