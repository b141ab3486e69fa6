import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CheckedConversation, startCheckedConversation } from '../support/checked-conversation.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../support/memory-node.ts'
import { type Service, startRedis } from '../support/services.ts'
import { fillUp, startSmallRedis } from './cache/full-redis.ts'

const RECOVERY = { timeout: 60_000 }

interface Stage {
  server: Service
  node: MemoryNode
  /** On the same stores. */
  other: MemoryNode
  conversation: CheckedConversation
}

/** Two nodes on a Redis of their own, and a conversation that it holds. */
async function setStage(starting: Promise<Service> = startRedis()): Promise<Stage> {
  const server = await starting
  onTestFinished(() => server.stop())
  const parts = { history: newMongodb(), redisUrl: server.url }
  const limits = { commandTimeoutMs: 200, probeIntervalMs: 50, tailTokens: 600 }
  const node = await startMemoryNode(parts, limits)
  const other = await startMemoryNode(parts, limits)
  const conversation = await startCheckedConversation(node)
  for (let count = 0; count < 20; count++) await conversation.append()
  await expectHits({ node, conversation })
  return { server, node, other, conversation }
}

/** What is read once, the next read finds. */
async function expectHits({ node, conversation }: Pick<Stage, 'node' | 'conversation'>): Promise<void> {
  const readSettled = async () => {
    await node.settle()
    return conversation.read()
  }
  await expect.poll(readSettled, RECOVERY).toBe('CACHE')
}

async function expectOpenBreaker({ node, conversation }: Stage): Promise<void> {
  await conversation.during(() => expect.poll(() => node.guard.available, RECOVERY).toBe(false))
  node.resetCounts()
  for (let count = 0; count < 5; count++) {
    await conversation.append()
    expect(await conversation.read()).toBe('HISTORY')
  }
  expect(node.traffic.redis.filter((command) => command !== 'set')).toEqual([])
}

/** The marks and drops that were lost come first, and before any of it a read hits. */
async function expectRecovery({ node, conversation }: Stage): Promise<void> {
  await conversation.during(() => expect.poll(() => node.guard.available, RECOVERY).toBe(true))
  const sent = node.cache.calls.filter((call) => call !== 'ping')
  expect(['mark', 'drop']).toContain(sent[0])
  await expectHits({ node, conversation })
}

describe('every answer is right while appends go on', () => {
  test('and Redis is killed and started again, empty', async () => {
    const stage = await setStage()
    await stage.conversation.during(() => stage.server.kill())
    await expectOpenBreaker(stage)
    await stage.server.restart()
    await expectRecovery(stage)
  })

  test('and Redis hangs and goes on', async () => {
    const stage = await setStage()
    await stage.server.pause()
    await expectOpenBreaker(stage)
    await stage.server.resume()
    await expectRecovery(stage)
  })

  test('on another node too, once the marks that Redis had lost are sent', async () => {
    const stage = await setStage()
    const { server, node, other, conversation } = stage
    await server.pause()
    await expectOpenBreaker(stage)
    await server.resume()
    await expect.poll(() => node.guard.available, RECOVERY).toBe(true)
    await expect.poll(() => other.guard.available, RECOVERY).toBe(true)
    for (let count = 0; count < 5; count++) {
      await conversation.read({ node: other })
      await other.settle()
      await conversation.append()
    }
    expect(await conversation.read({ node: other, consistency: 'STRONG' })).not.toBe('CACHE')
  })

  test('and Redis is full', async () => {
    const stage = await setStage(startSmallRedis())
    const { server, node, conversation } = stage
    const redis = new Redis(server.url)
    onTestFinished(() => redis.disconnect())
    await conversation.during(() => fillUp(redis))
    for (let count = 0; count < 20; count++) {
      await conversation.append()
      await conversation.read()
      await conversation.read({ maxTokens: 2_000 })
    }
    expect(node.guard.available).toBe(true)
    await redis.flushall()
    await redis.call('CONFIG', 'SET', 'maxmemory', '0')
    await expectHits(stage)
  })
})
