import { onTestFinished } from 'vitest'
import type { Memory } from '../../src/memory/memory.ts'
import { createServer, type Server } from '../../src/server.ts'
import { createGraphqlClient, type GraphqlClient } from './graphql-client.ts'
import { createKeptLog } from './kept-log.ts'
import { startTestMemory } from './test-memory.ts'

export interface TestServer {
  server: Server
  origin: string
  memory: Memory
  log: ReturnType<typeof createKeptLog>
  client: GraphqlClient
}

/** A server on a free port with a client, both closed when the test ends. `change` may replace parts of its memory. */
export async function startTestServer(change: (memory: Memory) => Partial<Memory> = () => ({})): Promise<TestServer> {
  const { memory: whole, stop } = await startTestMemory()
  const memory = { ...whole, ...change(whole) }
  const log = createKeptLog()
  const server = createServer({ memory, log }, { host: '127.0.0.1', port: 0, maxBodyBytes: 2_000_000 })
  const origin = await server.listen()
  const client = createGraphqlClient(origin)
  onTestFinished(async () => {
    await client.close()
    await server.close(1_000)
    await stop()
  })
  return { server, origin, memory, log, client }
}
