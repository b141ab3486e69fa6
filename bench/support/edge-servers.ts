import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { type ServerProcess, startServerProcess } from '../../test/support/server-process.ts'
import type { LoadRequest } from './http-load.ts'

/** A server in a process of its own, and the request for a context that it answers from Redis. */
export interface EdgeServer {
  request: LoadRequest
  stop(): Promise<unknown>
}

/** What is asked of it. */
export interface EdgeContext {
  messages: number
  messageBytes: number
}

const KEY = 'edge'
const BARE_SERVER = new URL('bare-server.ts', import.meta.url)
const CONTEXT_QUERY = `query Context($id: ID!) {
  recentContext(conversationId: $id, maxTokens: 100000) { messages { id role content createdAt tokenCount } }
}`

/** The program as users run it, with one conversation that its cache holds. */
export async function startBackscroll(env: Record<string, string>, context: EdgeContext): Promise<EdgeServer> {
  const server = await startServerProcess(env)
  const variables = { id: await storeConversation(server, context) }
  return {
    request: {
      url: `${server.url}/graphql`,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
      body: JSON.stringify({ query: CONTEXT_QUERY, variables }),
    },
    stop: () => server.stop(),
  }
}

/** A bare Node server whose Redis holds the messages that Backscroll answers `request` with. */
export async function startBareServer(redisUrl: string, { url, method, ...init }: LoadRequest): Promise<EdgeServer> {
  const answer = await fetch(url, { method, ...init })
  const { data } = (await answer.json()) as { data: { recentContext: { messages: unknown } } }
  const redis = new Redis(redisUrl)
  await redis.set(KEY, JSON.stringify(data.recentContext.messages))
  redis.disconnect()
  const child = fork(BARE_SERVER, [redisUrl, KEY])
  const [origin] = (await once(child, 'message')) as [string]
  return {
    request: { url: `${origin}/context`, method: 'GET' },
    async stop() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function storeConversation(server: ServerProcess, { messages, messageBytes }: EdgeContext): Promise<string> {
  const created = await server.query(
    'mutation { createConversation(input: {}) { ... on CreateConversationSuccess { conversation { id } } } }',
  )
  const { id } = (created as unknown as { createConversation: { conversation: { id: string } } }).createConversation
    .conversation
  const texts = Array.from({ length: messages }, (_, index) => {
    const text = `Message ${index} about the order that was refunded on Tuesday, and the invoice. `
    return { role: index % 2 === 0 ? 'USER' : 'ASSISTANT', content: text.repeat(messageBytes).slice(0, messageBytes) }
  })
  await server.query(
    `mutation ($input: AppendMessagesInput!) {
      appendMessages(input: $input) { __typename ... on AppendMessagesSuccess { messages { id } } }
    }`,
    { input: { conversationId: id, messages: texts } },
  )
  // The first read fills the cache, in the background.
  const source = `query ($id: ID!) { recentContext(conversationId: $id, maxTokens: 100000) { source } }`
  const deadline = performance.now() + 10_000
  for (;;) {
    const { recentContext } = (await server.query(source, { id })) as unknown as { recentContext: { source: string } }
    if (recentContext.source === 'CACHE') return id
    if (performance.now() > deadline) throw new Error('The cache was never filled')
  }
}
