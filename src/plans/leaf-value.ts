import { inspect } from 'node:util'
import { GraphQLError, type GraphQLLeafType } from 'graphql'

/** A scalar or enum value as JSON has it. */
export function leafValue(type: GraphQLLeafType, value: unknown): unknown {
  const output = coerceOutput(type, value)
  if (output === null || output === undefined) throw new Error(`${type} cannot represent ${inspect(value)}`)
  return output
}

/** A value that does not fit its type is our fault, not the client's: no GraphQLError, which a client would see. */
function coerceOutput(type: GraphQLLeafType, value: unknown): unknown {
  try {
    return type.coerceOutputValue(value)
  } catch (error) {
    throw error instanceof GraphQLError ? new Error(error.message) : error
  }
}
