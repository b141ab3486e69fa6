import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ProbedServer, startProbedServer } from '../attack/probed-server.ts'
import { post } from '../attack/requests.ts'
import type { WatcherReport } from '../attack/watcher.ts'
import { type Service, startMongodb, startRedis } from '../support/services.ts'

/** One server or two of one deployment, each watched by another client, with what they need. */
export interface FuzzedNodes {
  readonly nodes: readonly FuzzedNode[]
  /** Stops all; how each process ended. */
  stop(): Promise<string[]>
}

export interface FuzzedNode {
  readonly server: ProbedServer
  /** Starts it again when it has ended. */
  revive(): Promise<void>
  /** What it logged since the last call, in whole lines. */
  newLines(): Promise<string[]>
  /** The last lines that were read. */
  readonly latest: readonly string[]
  /** What its other client saw since the last call. */
  watched(): Promise<WatcherReport>
}

export type Stores = 'embedded' | 'servers'

const KILL_BYTES = 2_560 * 1_048_576
const SERVER_NODES = 2
const REMEMBERED_LINES = 200

/** Starts everything; `main` is the main module of the servers. */
export async function startFuzzedNodes(stores: Stores, main?: string): Promise<FuzzedNodes> {
  const services: Service[] = []
  const env: Record<string, string> = {}
  if (stores === 'servers') {
    const [redis, mongodb] = await Promise.all([startRedis(), startMongodb()])
    services.push(redis, mongodb)
    Object.assign(env, { REDIS_URL: redis.url, MONGODB_URL: mongodb.url })
  }
  const options = { env, ...(main !== undefined && { main }) }
  const count = stores === 'servers' ? SERVER_NODES : 1
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(options)))
  return {
    nodes,
    async stop() {
      const endings = await Promise.all(nodes.map((node) => node.stop()))
      await Promise.all(services.map((service) => service.stop()))
      return endings
    },
  }
}

/** A conversation with some messages, so that the first steps have something to ask for; the answers. */
export async function seedNode({ server }: FuzzedNode, mark: (text: string) => string): Promise<string[]> {
  const create = `mutation($title:String){createConversation(input:{title:$title}){
    ... on CreateConversationSuccess{conversation{id}}}}`
  const append = `mutation($input:AppendMessagesInput!){appendMessages(input:$input){
    ... on AppendMessagesSuccess{messages{id} conversation{messages(first:3){edges{cursor}}}}}}`
  const created = await post(server.origin, { query: create, variables: { title: mark('title') } })
  const conversationId = /"(conv_\w+)"/.exec(created.text)?.[1]
  const messages = ['one', 'two', 'three'].map((word) => ({ role: 'USER', content: mark(word) }))
  const appended = await post(server.origin, { query: append, variables: { input: { conversationId, messages } } })
  return [created.text, appended.text]
}

async function startNode(
  options: Parameters<typeof startProbedServer>[0],
): Promise<FuzzedNode & { stop(): Promise<string> }> {
  let server = await startProbedServer(options)
  let watcher = watch(server)
  let readBytes = 0
  let reading = Promise.resolve<string[]>([])
  let reviving: Promise<void> | undefined
  const latest: string[] = []

  /** For all who wait for it together. */
  function revive(): Promise<void> {
    if (!server.isAlive()) reviving ??= startAnew().finally(() => (reviving = undefined))
    return reviving ?? Promise.resolve()
  }

  async function startAnew(): Promise<void> {
    watcher.kill()
    await server.stop()
    server = await startProbedServer(options)
    watcher = watch(server)
    readBytes = 0
  }

  /** One after another: two at once would read the same lines. */
  function newLines(): Promise<string[]> {
    reading = reading.then(async () => {
      const text = await server.log(readBytes)
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      readBytes += Buffer.byteLength(whole)
      const lines = whole.split('\n').filter((line) => line !== '')
      latest.push(...lines)
      latest.splice(0, latest.length - REMEMBERED_LINES)
      return lines
    })
    return reading
  }

  async function watched(): Promise<WatcherReport> {
    const answer = once(watcher, 'message')
    watcher.send('report')
    return (await answer)[0] as WatcherReport
  }

  async function stop(): Promise<string> {
    watcher.kill()
    return await server.stop()
  }

  return {
    get server() {
      return server
    },
    revive,
    newLines,
    latest,
    watched,
    stop,
  }
}

function watch({ port, pid }: ProbedServer): ChildProcess {
  return fork(join(import.meta.dirname, '../attack/watcher.ts'), [port, pid, KILL_BYTES].map(String))
}
