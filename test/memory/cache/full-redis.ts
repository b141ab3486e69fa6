import type { Cluster, Redis } from 'ioredis'
import { startRedis } from '../../support/services.ts'

/** A Redis of its own that evicts nothing. */
export function startSmallRedis() {
  return startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'])
}

/** Fills it until it refuses, and then makes sure that freed buffers leave no room either. */
export async function fillUp(redis: Redis | Cluster): Promise<void> {
  for (let index = 0; await takes(redis, index); index++);
  await redis.call('CONFIG', 'SET', 'maxmemory', '2mb')
}

async function takes(redis: Redis | Cluster, index: number): Promise<boolean> {
  try {
    await redis.set(`filler-${index}`, 'x'.repeat(1_000))
    return true
  } catch (error) {
    if (String(error).includes('OOM')) return false
    throw error
  }
}
