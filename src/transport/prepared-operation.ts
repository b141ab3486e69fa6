import { type DocumentNode, getOperationAST, type OperationTypeNode } from 'graphql'
import type { Enveloped, GraphqlHandler, ServerContext } from './graphql-handler.ts'
import { decodeOperation, type OperationParams } from './receive/json-request.ts'

/** A valid operation, to be executed by Yoga's own pipeline with its plugins. */
export interface PreparedOperation {
  enveloped: Enveloped
  document: DocumentNode
  params: OperationParams
  kind: OperationTypeNode
}

/** Undefined for requests that Yoga has to answer. Nothing was executed then, so Yoga finds any error anew. */
export function prepareOperation(
  envelop: GraphqlHandler['envelop'],
  context: ServerContext,
  body: Buffer,
): PreparedOperation | undefined {
  const params = decodeOperation(body)
  if (params === undefined) return undefined
  try {
    const enveloped = envelop({ ...context, params })
    const document: DocumentNode = enveloped.parse(params.query)
    if (enveloped.validate(enveloped.schema, document).length > 0) return undefined
    const kind = getOperationAST(document, params.operationName)?.operation
    return kind && { enveloped, document, params, kind }
  } catch {
    return undefined
  }
}
