import { GraphQLError, type GraphQLFormattedError } from 'graphql'

/** Errors as clients see them, without what is meant for the HTTP layer alone; it leaves the same away itself. */
export function publicErrors(errors: readonly GraphQLError[]): GraphQLFormattedError[] {
  return errors.map((error) => {
    const { extensions = {}, ...formatted } = error.toJSON()
    const { http: _, unexpected: __, ...shown } = extensions
    return Object.keys(shown).length > 0 ? { ...formatted, extensions: shown } : formatted
  })
}

/** A syntax error with the code that Yoga gives it over HTTP; any other error as it is. */
export function parseError(error: unknown): unknown {
  if (!(error instanceof GraphQLError) || error.extensions.code !== undefined) return error
  const { message, source, positions } = error
  return new GraphQLError(message, { source, positions, extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
}
