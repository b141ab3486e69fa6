import type { ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import type { ExecutionResult } from 'graphql'
import type { GraphqlHandler } from '../graphql-handler.ts'
import type { Admitted } from './credentials.ts'

/**
 * Has a request answered by Yoga; rejects with a fault of its HTTP layer or of a plugin's hooks there. Called as a
 * listener Yoga would answer such a fault itself, with the stack, and print it to the console.
 */
export async function answerByYoga(
  { yoga }: Pick<GraphqlHandler, 'yoga'>,
  { request, caller }: Admitted,
  response: ServerResponse,
  result?: ExecutionResult,
): Promise<void> {
  const context = { caller, req: request, res: response, ...(result !== undefined && { result }) }
  const answer = await yoga.handleNodeRequestAndResponse(request, response, context)
  await sendNodeResponse(answer, response, request, true)
}
