import { Redis } from 'ioredis'
import { expect, vi } from 'vitest'
import { findFreePort } from './free-port.ts'
import { type Service, startRedis } from './services.ts'

/** A cluster of one server that holds all slots. */
export async function startRedisCluster(): Promise<Service> {
  const server = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort())])
  const client = new Redis(server.url)
  const { hostname, port } = new URL(server.url)
  await client.config('SET', 'cluster-announce-ip', hostname, 'cluster-announce-port', port)
  await client.cluster('ADDSLOTSRANGE', 0, 16_383)
  await vi.waitFor(async () => expect(await client.cluster('INFO')).toContain('cluster_state:ok'), { timeout: 60_000 })
  client.disconnect()
  return server
}
