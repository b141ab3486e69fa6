import { GraphQLError, getOperationAST } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Log } from '../log.ts'
import { createLoaders } from '../memory/loader.ts'
import type { Memory } from '../memory/memory.ts'
import type { OperationContext } from '../schema/builder.ts'
import { createSchema } from '../schema/schema.ts'
import { createErrorMask } from './error-mask.ts'
import { createOperationStreams, type OperationStreams } from './operation-streams.ts'

export interface GraphqlParts {
  memory: Memory
  log: Log
  /** Who asks. */
  ownerOf(): string
}

/** Executes GraphQL operations, over HTTP by itself and for other transports through `yoga.getEnveloped`. */
export interface GraphqlHandler {
  yoga: YogaServerInstance<object, OperationContext>
  streams: OperationStreams
  maskError(error: unknown): GraphQLError
}

const DEFAULT_QUERY = `# Backscroll remembers conversations. First make one and say something:
mutation Start {
  createConversation(input: { title: "First steps" }) {
    ... on CreateConversationSuccess { conversation { id } }
    ... on Error { code detail }
  }
}

# Then put its id into the variables, as {"id": "conv_…"}:
mutation Say($id: ID!) {
  appendMessages(input: { conversationId: $id, messages: [{ role: USER, content: "Hello!" }] }) {
    ... on AppendMessagesSuccess { messages { sequence tokenCount } }
    ... on Error { code detail }
  }
}

# The newest messages that fit a token budget, with the report of what was left out:
query Recent($id: ID!) {
  recentContext(conversationId: $id, maxTokens: 3000) {
    tokenCount omittedCount cut source
    messages { role content tokenCount }
    chatMessages
  }
}

# What happens in it from now on:
subscription Follow($id: ID!) {
  conversationEvents(conversationId: $id) {
    cursor
    ... on MessageAppended { message { role content } }
  }
}
`

export function createGraphqlHandler({ memory, log, ownerOf }: GraphqlParts): GraphqlHandler {
  const maskError = createErrorMask(log)
  const streams = createOperationStreams(maskError)
  const yoga = createYoga<object, OperationContext>({
    schema: createSchema(),
    context: () => createOperationContext(memory, ownerOf()),
    graphqlEndpoint: '/graphql',
    graphiql: { title: 'Backscroll', defaultQuery: DEFAULT_QUERY, subscriptionsProtocol: 'WS' },
    plugins: [streams.plugin, queriesOnlyByGet()],
    maskedErrors: { maskError },
    landingPage: false,
    healthCheckEndpoint: '/health',
    logging: false,
    cors: false,
    multipart: false,
    // Costs a third of the throughput: the server counts a body's bytes before it comes here.
    maxRequestBodySize: false,
  })
  return { yoga, streams, maskError }
}

function createOperationContext(memory: Memory, ownerId: string): OperationContext {
  return { ownerId, memory, loaders: createLoaders(memory, ownerId), controller: new AbortController() }
}

/** Yoga refuses mutations by GET, but not subscriptions, which any page could open without a preflight. */
function queriesOnlyByGet(): Plugin {
  return {
    onParse: () => {
      return ({ result, context: { request, params } }) => {
        if (request?.method !== 'GET' || result === null || result instanceof Error) return
        if (getOperationAST(result, params?.operationName)?.operation !== 'subscription') return
        const http = { status: 405, headers: { Allow: 'POST' } }
        throw new GraphQLError('Can only subscribe by POST.', { extensions: { code: 'BAD_REQUEST', http } })
      }
    },
  }
}
