import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/**
 * Words what is wrong with an operation's parameters before they can be read. Yoga takes JSON that is broken in a
 * path for a fault of the server, and for that of a body it shows the parser's words, which quote the body.
 */
export function createParameterErrors(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) return
      setRequestParser(async (request) => {
        try {
          return await requestParser(request)
        } catch (error) {
          if (request.method === 'GET') throw refusal(`${brokenParameters(request.url)} must be JSON.`)
          throw isAboutJson(error) ? refusal('The body must be JSON.') : error
        }
      })
    },
  }
}

function brokenParameters(url: string): string {
  const search = new URLSearchParams(url.slice(url.indexOf('?')))
  return ['variables', 'extensions'].filter((name) => !isJson(search.get(name) || 'null')).join(' and ')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function isAboutJson(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions.originalError !== undefined
}

/** With the status of a request that is not well-formed, whatever is accepted (GraphQL over HTTP, 6.4.1.1.1). */
function refusal(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}
