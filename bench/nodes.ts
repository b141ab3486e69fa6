import { join } from 'node:path'
import { compare } from './support/compare.ts'
import { storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { createHttpLoad, type HttpLoad } from './support/http-load.ts'
import { startHttpServer } from './support/http-server.ts'
import { databaseUrl, openStage } from './support/stage.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const PROXY = join(import.meta.dirname, 'support', 'round-robin.ts')
/** Of a server without authentication. */
const OWNER_ID = 'local'
const MESSAGES = 1_000
const MESSAGE_BYTES = 200
const CLIENTS = 16
/** Of one run, so that most of its time all clients are busy. */
const BURST = 400
const QUERY = `query ($id: ID!) {
  recentContext(conversationId: $id) { messages { id role content createdAt tokenCount } }
}`

/** How much longer one node takes for the same requests than two, behind the same proxy, on the same servers. */
export async function measureNodes(grounds: Grounds): Promise<Finding[]> {
  const stores = { mongodbUrl: await databaseUrl(grounds, 'nodes'), redisUrl: await grounds.redisUrl() }
  const stage = await openStage(grounds, stores)
  const open: { stop(): Promise<unknown> }[] = []
  const start = async (...parameters: Parameters<typeof startHttpServer>) => {
    const server = await startHttpServer(...parameters)
    open.push(server)
    return server
  }
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES, OWNER_ID)
    const settings = { MONGODB_URL: stores.mongodbUrl, REDIS_URL: stores.redisUrl, REDIS_COMMAND_TIMEOUT_MS: '2000' }
    const [first, second] = [await start(MAIN, settings), await start(MAIN, settings)]
    const one = await start(PROXY, {}, [String(first.port)])
    const two = await start(PROXY, {}, [String(first.port), String(second.port)])
    const loads = await Promise.all([loadOf(one.url, id), loadOf(two.url, id)])
    open.push(...loads.map((load) => ({ stop: async () => load.close() })))
    const sides = [
      { name: 'one node', run: () => loads[0].run(BURST) },
      { name: 'two nodes', run: () => loads[1].run(BURST) },
    ] as const
    return [await compare(`${BURST} contexts over HTTP, on hits`, sides, grounds.options, 'RATIO')]
  } finally {
    for (const part of open.reverse()) await part.stop()
    await stage.close(0)
  }
}

/** Asked once before, as an error in an answer of status 200 would be quick and unseen. */
async function loadOf(url: string, id: string): Promise<HttpLoad> {
  const request = {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: QUERY, variables: { id } }),
  }
  const { data } = (await (await fetch(url, request)).json()) as { data?: object | null }
  if (!data) throw new Error(`${url} does not know the conversation`)
  return createHttpLoad(request, CLIENTS)
}
