import { join } from 'node:path'
import { compare } from './support/compare.ts'
import { storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { loadOf } from './support/http-load.ts'
import { type HttpServer, startHttpServer } from './support/http-server.ts'
import { databaseUrl, openStage } from './support/stage.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const PROXY = join(import.meta.dirname, 'support', 'round-robin.ts')
/** Of a server without authentication. */
const OWNER_ID = 'local'
const MESSAGES = 1_000
const MESSAGE_BYTES = 200
/** Of one slice. */
const REQUESTS = 1_000

/** How much longer one node takes for the same requests than two, behind the same proxy, on the same servers. */
export async function measureNodes(grounds: Grounds): Promise<Finding[]> {
  const stores = { mongodbUrl: await databaseUrl(grounds, 'nodes'), redisUrl: await grounds.redisUrl() }
  const stage = await openStage(grounds, stores)
  const servers: HttpServer[] = []
  const start = async (...parameters: Parameters<typeof startHttpServer>) => {
    const server = await startHttpServer(...parameters)
    servers.push(server)
    return server
  }
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES, OWNER_ID)
    const settings = { MONGODB_URL: stores.mongodbUrl, REDIS_URL: stores.redisUrl, REDIS_COMMAND_TIMEOUT_MS: '2000' }
    const [first, second] = [await start(MAIN, settings), await start(MAIN, settings)]
    const one = await start(PROXY, {}, [String(first.port)])
    const two = await start(PROXY, {}, [String(first.port), String(second.port)])
    const sides = [loadOf('one node', one.url, id, REQUESTS), loadOf('two nodes', two.url, id, REQUESTS)] as const
    const what = `${REQUESTS.toLocaleString('en')} contexts over HTTP, on hits`
    return [await compare(what, sides, grounds.options, 'RATIO')]
  } finally {
    for (const server of servers) await server.stop()
    await stage.close(0)
  }
}
