import { join } from 'node:path'
import { type Contender, compare } from './support/compare.ts'
import { type EdgeServer, startBackscroll, startBareServer } from './support/edge-servers.ts'
import type { Finding, Target } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { createHttpLoad, type HttpLoad } from './support/http-load.ts'
import { startHttpServer } from './support/http-server.ts'
import { installPeers, PEERS } from './support/installed-peer.ts'

const CONTEXT = { messages: 60, messageBytes: 200 }
const CLIENTS = 16
/** Requests of one run, so that most of its time all clients are busy. */
const BURST = 400
const SHARE = { atLeast: 0.6 }
const AHEAD = { atLeast: 1 }
/** So that what is asked for is in the cache, and no slow machine makes a miss of it. */
const SETTINGS = { CACHE_TAIL_TOKENS: '100000', REDIS_COMMAND_TIMEOUT_MS: '2000' }

/**
 * A context that is cached, through HTTP and GraphQL: what share of a bare Node server's throughput it has,
 * and how much longer servers of GraphQL take with the same memory behind them.
 */
export async function measureEdge(grounds: Grounds): Promise<Finding[]> {
  await installPeers()
  const redisUrl = await grounds.redisUrl()
  const stores = { ...SETTINGS, REDIS_URL: redisUrl, DATA_DIR: await grounds.directory() }
  const open: { stop(): Promise<unknown> }[] = []
  try {
    const ours = await startBackscroll(stores, CONTEXT)
    open.push(ours)
    const load = await loadOf(ours, open)
    const against = async (name: string, server: EdgeServer, target?: Target) => {
      open.push(server)
      const peer = await loadOf(server, open)
      const what = `${CONTEXT.messages} messages over HTTP, against ${name}`
      const sides = [contender(name, peer), contender('Backscroll', load)] as const
      return compare(what, sides, grounds.options, 'RATIO', target)
    }
    const peer = async (file: string): Promise<EdgeServer> => {
      const { url, stop } = await startHttpServer(join(PEERS, file), stores)
      return { request: { ...ours.request, url }, stop }
    }
    return [
      await against('a bare server', await startBareServer(redisUrl, ours.request), SHARE),
      await against('Mercurius with JIT', await peer('mercurius.ts'), AHEAD),
      await against('Apollo Server', await peer('apollo.ts')),
    ]
  } finally {
    for (const part of open.reverse()) await part.stop()
  }
}

/** Asked once before, as an error in an answer of status 200 would be quick and unseen. */
async function loadOf({ request }: EdgeServer, open: { stop(): Promise<unknown> }[]): Promise<HttpLoad> {
  const text = await (await fetch(request.url, request)).text()
  if (!text.includes('"messages"') && !text.startsWith('['))
    throw new Error(`${request.url} answers ${text.slice(0, 200)}`)
  const load = await createHttpLoad(request, CLIENTS)
  open.push({ stop: async () => load.close() })
  return load
}

function contender(name: string, load: HttpLoad): Contender {
  return { name: `${name}, ${BURST} requests`, run: () => load.run(BURST) }
}
