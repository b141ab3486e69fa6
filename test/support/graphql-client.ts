import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { TypedDocumentString } from '../generated/graphql.ts'

/** What a server answered. */
interface Answer<T> {
  status: number
  data: T
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[]
}

interface Results<T> extends AsyncIterableIterator<{ data: T; errors?: Answer<T>['errors'] }> {
  return(): Promise<IteratorResult<{ data: T }>>
}

export const TRANSPORTS = ['SSE', 'WebSocket'] as const

export type Transport = (typeof TRANSPORTS)[number]

/** A typed client of one server. */
export interface GraphqlClient {
  url: string
  execute<T, V>(document: TypedDocumentString<T, V>, variables: V): Promise<Answer<T>>
  /** As `execute`; throws when there are errors. */
  get<T, V>(document: TypedDocumentString<T, V>, variables: V): Promise<T>
  /** Anything, also what has no types. */
  post(body: unknown, headers?: Record<string, string>): Promise<Answer<unknown>>
  streamBySse<T, V>(document: TypedDocumentString<T, V>, variables: V): Results<T>
  /** All streams by WebSocket share one connection. */
  streamBySocket<T, V>(document: TypedDocumentString<T, V>, variables: V): Results<T>
  streamBy<T, V>(transport: Transport, document: TypedDocumentString<T, V>, variables: V): Results<T>
  /** Resolves when a stream by WebSocket is connected. */
  readonly connected: Promise<void>
  /** Cuts the connection of the streams by WebSocket, without a word. */
  cutSocket(): void
  close(): Promise<void>
}

export function createGraphqlClient(origin: string): GraphqlClient {
  const url = `${origin}/graphql`
  const sse = createSseClient({ url, retryAttempts: 0 })
  const { promise: connected, resolve } = Promise.withResolvers<void>()
  const socket = createSocketClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: { connected: () => resolve() },
  })
  async function post<T>(body: unknown, headers = {}): Promise<Answer<T>> {
    const accept = 'application/graphql-response+json'
    const init = { method: 'POST', headers: { 'content-type': 'application/json', accept, ...headers } }
    const response = await fetch(url, { ...init, body: JSON.stringify(body) })
    return { status: response.status, ...((await response.json()) as Omit<Answer<T>, 'status'>) }
  }
  function stream<T, V>(transport: Transport, document: TypedDocumentString<T, V>, variables: V): Results<T> {
    const request = { query: String(document), variables: variables as Record<string, unknown> }
    return (transport === 'SSE' ? sse : socket).iterate(request) as never
  }
  return {
    url,
    post,
    execute: (document, variables) => post({ query: String(document), variables }),
    async get(document, variables) {
      const { data, errors } = await post<never>({ query: String(document), variables })
      if (errors) throw new Error(JSON.stringify(errors))
      return data
    },
    streamBySse: (document, variables) => stream('SSE', document, variables),
    streamBySocket: (document, variables) => stream('WebSocket', document, variables),
    streamBy: stream,
    connected,
    cutSocket: () => socket.terminate(),
    async close() {
      sse.dispose()
      await socket.dispose()
    },
  }
}
