import type { IncomingMessage } from 'node:http'
import { type DocumentNode, getOperationAST, type OperationTypeNode } from 'graphql'
import type { GraphqlHandler } from './graphql-handler.ts'
import { decodeOperation, type OperationParams } from './receive/json-request.ts'

/** A valid operation, to be executed by Yoga's own pipeline with its plugins. */
export interface PreparedOperation {
  enveloped: Enveloped
  document: DocumentNode
  params: OperationParams
  kind: OperationTypeNode
}

type Enveloped = ReturnType<GraphqlHandler['yoga']['getEnveloped']>

/** Undefined for requests that Yoga has to answer. Nothing was executed then, so Yoga finds any error anew. */
export function prepareOperation(
  getEnveloped: GraphqlHandler['yoga']['getEnveloped'],
  req: IncomingMessage,
  body: Buffer,
): PreparedOperation | undefined {
  const params = decodeOperation(body)
  if (params === undefined) return undefined
  try {
    const enveloped = getEnveloped({ params, req })
    const document: DocumentNode = enveloped.parse(params.query)
    if (enveloped.validate(enveloped.schema, document).length > 0) return undefined
    const kind = getOperationAST(document, params.operationName)?.operation
    return kind && { enveloped, document, params, kind }
  } catch {
    return undefined
  }
}
