import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import type { ConversationChange } from '../../../src/memory/events/conversation-events.ts'
import { eventsKey } from '../../../src/memory/events/redis-event-log.ts'
import { createConversationId, messageId } from '../../../src/memory/ids.ts'
import { createEventReader, idsOf, WAIT } from '../../support/event-reader.ts'
import { findFreePort } from '../../support/free-port.ts'
import { type RedisEventNode, startRedisEventNode } from '../../support/redis-event-nodes.ts'
import { type Service, startRedis } from '../../support/services.ts'
import { describeConversationEvents, SUITE_LIMITS } from './conversation-events-suite.ts'

/** So rare that what a test sees came by the channel. */
const NEVER_POLLS = { ...SUITE_LIMITS, pollMs: 3_600_000 }
const POLLS_OFTEN = { ...SUITE_LIMITS, pollMs: 100 }

describeConversationEvents('Redis events on two nodes', () => startNodes(inject('redisUrl')))

describeConversationEvents('Redis events on a cluster', async () => {
  const server = await startCluster()
  const { nodes, stop } = await startNodes(server.url, true)
  return { nodes, stop: () => stop().then(() => server.stop()) }
})

test('a subscribed connection of a cluster that was cut misses nothing', async () => {
  const server = await startCluster()
  const { nodes, stop } = await startNodes(server.url, true)
  const client = new Redis(server.url)
  const id = createConversationId()
  const following = () => client.pubsub('SHARDNUMSUB', eventsKey(id))
  const readers = nodes.map((events) => createEventReader(events, id, 'garbage'))
  for (const reader of readers) await reader.take(1)
  await expect.poll(following, WAIT).toEqual([eventsKey(id), 2])
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  for (const events of nodes) await events.publish(id, changed('a'))
  for (const reader of readers) expect(idsOf(await reader.take(3))).toEqual(['ConversationReset', 'a', 'a'])
  await expect.poll(following, WAIT).toEqual([eventsKey(id), 2])
  for (const reader of readers) reader.abort()
  await expect.poll(following, WAIT).toEqual([eventsKey(id), 0])
  client.disconnect()
  await stop()
  await server.stop()
})

describe('What Redis holds', () => {
  let client: Redis
  let node: RedisEventNode
  let id: string
  beforeAll(async () => {
    client = new Redis(inject('redisUrl'))
    node = await startReadyNode(inject('redisUrl'), NEVER_POLLS)
  })
  afterAll(async () => {
    await node.stop()
    client.disconnect()
  })
  beforeEach(() => {
    id = createConversationId()
  })

  async function subscriptions(): Promise<number> {
    const [, count] = await client.pubsub('NUMSUB', eventsKey(id))
    return Number(count)
  }

  test('nothing is written for a conversation that nobody follows', async () => {
    await node.events.publish(id, changed('a'))
    expect(await client.exists(eventsKey(id))).toBe(0)
  })

  test('a log has a life, which a deletion makes short', async () => {
    const reader = createEventReader(node.events, id, 'garbage')
    await reader.take(1)
    expect(await client.pttl(eventsKey(id))).toBeGreaterThan(0)
    await node.events.publish(id, [{ type: 'ConversationDeleted' }])
    await reader.untilEnd()
    expect(await client.pttl(eventsKey(id))).toBeLessThanOrEqual(60_000)
  })

  test('a thousand subscribers of a conversation are one subscription, and none when they have left', async () => {
    const readers = Array.from({ length: 1_000 }, () => createEventReader(node.events, id, 'garbage'))
    await Promise.all(readers.map((reader) => reader.take(1)))
    await node.events.publish(id, changed('a'))
    for (const reader of readers) expect(idsOf(await reader.take(2))).toEqual(['ConversationReset', 'a'])
    expect(await subscriptions()).toBe(1)
    for (const reader of readers) reader.abort()
    await expect.poll(subscriptions, WAIT).toBe(0)
  })

  test('ten thousand subscribers that come and go leave nothing', async () => {
    const listeners = () =>
      [node.redis, node.subscriber].map((each) => each.eventNames().map((name) => each.listenerCount(name)))
    const before = listeners()
    for (let batch = 0; batch < 100; batch += 1) {
      const readers = Array.from({ length: 100 }, () => createEventReader(node.events, id))
      if (batch % 2 === 0) await node.events.publish(id, changed('a'))
      for (const reader of readers) reader.abort()
      await Promise.all(readers.map((reader) => reader.untilEnd()))
    }
    await expect.poll(subscriptions, WAIT).toBe(0)
    expect(listeners()).toEqual(before)
    expect(await client.xlen(eventsKey(id))).toBeLessThanOrEqual(51)
  })

  test('an entry that a newer version wrote reads as a reset', async () => {
    const reader = createEventReader(node.events, id, 'garbage')
    const [reset] = await reader.take(1)
    const next = reset?.cursor.replace(/0$/, '1') ?? ''
    await client.xadd(eventsKey(id), next, 'e', '["t",{"type":"ConversationMerged"}]')
    const resumed = createEventReader(node.events, id, reset?.cursor)
    expect(await resumed.take(1)).toEqual([{ type: 'ConversationReset', cursor: next }])
    reader.abort()
    resumed.abort()
  })

  test('a message that says nothing useful makes the log be read, and changes nothing', async () => {
    const reader = createEventReader(node.events, id, 'garbage')
    await reader.take(1)
    await expect.poll(subscriptions, WAIT).toBe(1)
    for (const junk of ['', 'junk', '1-1 {}', '9999999999999999-1 []']) await client.publish(eventsKey(id), junk)
    await node.events.publish(id, changed('a'))
    expect(idsOf(await reader.take(2))).toEqual(['ConversationReset', 'a'])
    reader.abort()
  })
})

describe('When Redis fails', () => {
  let server: Service
  let client: Redis
  let here: RedisEventNode
  let there: RedisEventNode
  let id: string
  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
    client.on('error', () => undefined)
  })
  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })

  async function withNodes(
    limits: Parameters<typeof startRedisEventNode>[1],
    commandTimeout: number,
    run: () => Promise<void>,
  ): Promise<void> {
    id = createConversationId()
    here = await startReadyNode(server.url, limits, { commandTimeout })
    there = await startReadyNode(server.url, limits, { commandTimeout })
    try {
      await run()
    } finally {
      await here.stop()
      await there.stop()
    }
  }

  /** Subscribers of both nodes that are known to follow, channel included. */
  async function follow() {
    const readers = [here, there].map(({ events }) => createEventReader(events, id, 'garbage'))
    const [near, far] = readers
    if (near === undefined || far === undefined) throw new Error('Two nodes')
    await near.take(1)
    await far.take(1)
    await expect.poll(() => client.pubsub('NUMSUB', eventsKey(id)), WAIT).toEqual([eventsKey(id), 2])
    return { near, far }
  }

  test('a node that was cut off tells its own subscribers at once, and the others that they missed something', () =>
    withNodes(NEVER_POLLS, 5_000, async () => {
      const { near, far } = await follow()
      await disconnect(here.redis)
      await here.events.publish(id, changed('a', 'b'))
      expect(idsOf(await near.take(3))).toEqual(['ConversationReset', 'a', 'b'])
      expect(far.received).toHaveLength(1)
      const resumed = createEventReader(there.events, id, near.received.at(-1)?.cursor)
      expect(idsOf(await resumed.take(1))).toEqual(['ConversationReset'])
      await here.redis.connect()
      await far.take(2)
      await here.events.publish(id, changed('c'))
      expect(idsOf(await near.take(5))).toEqual(['ConversationReset', 'a', 'b', 'ConversationReset', 'c'])
      expect(idsOf(await far.take(3))).toEqual(['ConversationReset', 'ConversationReset', 'c'])
      expect(far.received.slice(1)).toEqual(near.received.slice(3))
      expect(here.faults).not.toHaveLength(0)
    }))

  test('what is owed comes before what is published next, also for those who resume', () =>
    withNodes(NEVER_POLLS, 5_000, async () => {
      const { far } = await follow()
      const last = far.received.at(-1)?.cursor
      far.abort()
      await disconnect(here.redis)
      await here.events.publish(id, changed('lost'))
      await here.redis.connect()
      await here.events.publish(id, changed('next'))
      const resumed = createEventReader(there.events, id, last)
      expect(idsOf(await resumed.take(2))).toEqual(['ConversationReset', 'next'])
    }))

  test('what is owed goes out once, also when something is published while it is paid', () =>
    withNodes(NEVER_POLLS, 60_000, async () => {
      const { far } = await follow()
      const last = far.received.at(-1)?.cursor
      far.abort()
      await disconnect(here.redis)
      await here.events.publish(id, changed('lost'))
      await client.call('CLIENT', 'PAUSE', '60000', 'WRITE')
      await here.redis.connect()
      await expect.poll(() => client.info('clients'), WAIT).toContain('blocked_clients:1')
      const publishing = here.events.publish(id, changed('next'))
      await setImmediate()
      await setImmediate()
      await client.call('CLIENT', 'UNPAUSE')
      await publishing
      const resumed = createEventReader(there.events, id, last)
      expect(idsOf(await resumed.take(2))).toEqual(['ConversationReset', 'next'])
    }))

  test('a deletion that could not be published ends the streams of other nodes later', () =>
    withNodes(NEVER_POLLS, 5_000, async () => {
      const { near, far } = await follow()
      await disconnect(here.redis)
      await here.events.publish(id, [{ type: 'ConversationDeleted' }])
      await here.events.publish(id, changed('after'))
      expect(idsOf(await near.untilEnd())).toEqual(['ConversationReset', 'ConversationDeleted'])
      await here.redis.connect()
      expect(idsOf(await far.untilEnd())).toEqual(['ConversationReset', 'ConversationDeleted'])
    }))

  test('a subscribed connection that was cut misses nothing', () =>
    withNodes(NEVER_POLLS, 5_000, async () => {
      const { near, far } = await follow()
      for (let round = 0; round < 5; round += 1) {
        await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await here.events.publish(id, changed(`${round}`))
        await there.events.publish(id, changed(`${round} too`))
      }
      const expected = ['0', '0 too', '1', '1 too', '2', '2 too', '3', '3 too', '4', '4 too']
      expect(idsOf(await near.take(11)).slice(1)).toEqual(expected)
      expect(idsOf(await far.take(11)).slice(1)).toEqual(expected)
    }))

  test('what the channel lost is found by polling the log', () =>
    withNodes(POLLS_OFTEN, 5_000, async () => {
      const { near } = await follow()
      const next = near.received[0]?.cursor.replace(/0$/, '1') ?? ''
      await client.xadd(eventsKey(id), next, 'e', '["t",{"type":"ReplyBegan","replyId":"silent"}]')
      expect(idsOf(await near.take(2))).toEqual(['ConversationReset', 'silent'])
    }))

  test('what waits beyond its bound becomes one reset, in the log too', () =>
    withNodes({ ...NEVER_POLLS, queuedEvents: 50 }, 5_000, async () => {
      const { near, far } = await follow()
      const publishing = Array.from({ length: 200 }, (_, index) => here.events.publish(id, changed(`${index}`)))
      await Promise.all(publishing)
      await there.events.publish(id, changed('after'))
      for (const reader of [near, far]) {
        await vi.waitFor(() => expect(idsOf(reader.received).at(-1)).toBe('after'), WAIT)
        const names = idsOf(reader.received.slice(1))
        expect(names).toContain('ConversationReset')
        expect(names.indexOf('199') - names.indexOf('ConversationReset')).toBe(
          names.length - 2 - names.indexOf('ConversationReset'),
        )
      }
      expect(here.dropped).toContain(id)
    }))

  test('a flushed Redis gives one reset, and then what comes', () =>
    withNodes(NEVER_POLLS, 5_000, async () => {
      const { near, far } = await follow()
      await here.events.publish(id, changed('a'))
      await near.take(2)
      const old = near.received.at(-1)?.cursor
      await client.flushall()
      await here.events.publish(id, changed('lost'))
      await near.take(3)
      await far.take(3)
      await there.events.publish(id, changed('b'))
      const expected = ['ConversationReset', 'a', 'ConversationReset', 'b']
      expect(idsOf(await near.take(4))).toEqual(expected)
      expect(idsOf(await far.take(4))).toEqual(expected)
      const resumed = createEventReader(there.events, id, old)
      expect(idsOf(await resumed.take(1))).toEqual(['ConversationReset'])
    }))

  test('a Redis that hangs holds a publish no longer than its timeout, and nobody is told twice', () =>
    withNodes(POLLS_OFTEN, 200, async () => {
      const { near, far } = await follow()
      await server.pause()
      await Promise.all([here.events.publish(id, changed('a')), here.events.publish(id, changed('b'))])
      expect(idsOf(await near.take(3))).toEqual(['ConversationReset', 'a', 'b'])
      await server.resume()
      // Both are in the log after all, and then what they are owed.
      await far.take(4)
      expect(idsOf(far.received).slice(0, 4)).toEqual(['ConversationReset', 'a', 'b', 'ConversationReset'])
      await untilFollowing(near, far)
      expect(near.received.filter((event) => 'messageId' in event && event.messageId !== 'end')).toHaveLength(2)
    }))

  test('a Redis that was killed and is back: resets for all, and events again', () =>
    withNodes(POLLS_OFTEN, 1_000, async () => {
      const { near, far } = await follow()
      await server.kill()
      await here.events.publish(id, changed('a'))
      expect(idsOf(await near.take(2))).toEqual(['ConversationReset', 'a'])
      const late = createEventReader(here.events, id, near.received[0]?.cursor)
      const fresh = createEventReader(here.events, id)
      expect(idsOf(await late.take(1))).toEqual(['ConversationReset'])
      await here.events.publish(id, changed('b'))
      expect(idsOf(await late.take(2))).toEqual(['ConversationReset', 'b'])
      expect(idsOf(await fresh.take(1))).toEqual(['b'])
      await server.restart()
      for (const [reader, count] of [
        [near, 4],
        [far, 2],
        [late, 3],
        [fresh, 2],
      ] as const) {
        expect((await reader.take(count))[count - 1]?.type).toBe('ConversationReset')
      }
      await untilFollowing(near, far)
      await expect.poll(() => client.pubsub('NUMSUB', eventsKey(id)), WAIT).toEqual([eventsKey(id), 2])
      for (const reader of [near, far, late, fresh]) reader.abort()
      await expect.poll(() => client.pubsub('NUMSUB', eventsKey(id)), WAIT).toEqual([eventsKey(id), 0])
    }))

  test('connections cut at any time: nobody is told twice, a node always tells its own, a loss is a reset', async () => {
    const cut = fc.constantFrom('none', 'none', 'pubsub', 'normal')
    const steps = fc.array(fc.record({ near: fc.boolean(), before: cut, during: cut, wait: fc.boolean() }), {
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(steps, (all) => withNodes(POLLS_OFTEN, 200, () => runCuts(all))),
      { numRuns: 15 },
    )
  })

  async function runCuts(steps: { near: boolean; before: string; during: string; wait: boolean }[]): Promise<void> {
    const { near, far } = await follow()
    for (const [index, step] of steps.entries()) {
      if (step.before !== 'none') await client.call('CLIENT', 'KILL', 'TYPE', step.before)
      const name = `${step.near ? 'near' : 'far'} ${index}`
      const publishing = (step.near ? here : there).events.publish(id, changed(name))
      if (step.during !== 'none') await client.call('CLIENT', 'KILL', 'TYPE', step.during)
      await publishing
      if (step.wait) await setImmediate()
    }
    await untilFollowing(near, far)
    const published = steps.map((step, index) => `${step.near ? 'near' : 'far'} ${index}`)
    for (const [reader, own] of [
      [near, 'near'],
      [far, 'far'],
    ] as const) {
      // What a node owes for a loss is paid a little later.
      const names = await vi.waitFor(() => {
        const arrived = idsOf(reader.received.slice(1)).filter((name) => name !== 'end')
        if (!arrived.includes('ConversationReset')) expect(arrived.toSorted()).toEqual(published.toSorted())
        return arrived.filter((name) => name !== 'ConversationReset')
      }, WAIT)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toEqual(expect.arrayContaining(published.filter((name) => name.startsWith(own))))
    }
  }

  /** Publishes until both have got the same newest event by the log. */
  async function untilFollowing(...readers: ReturnType<typeof createEventReader>[]): Promise<void> {
    await vi.waitFor(async () => {
      await there.events.publish(id, changed('end'))
      const newest = new Set(readers.map(({ received }) => JSON.stringify(received.at(-1))))
      expect(newest.size).toBe(1)
      expect([...newest][0]).toMatch(/"end".*"\d+-\d+"/)
    }, WAIT)
  }
})

describe('What was stored and never published', () => {
  const id = createConversationId()
  const at = (sequence: number, branch = '0') => messageId(id, branch, sequence)
  const appended = (...ids: string[]): ConversationChange[] =>
    ids.map((messageId) => ({ type: 'MessageAppended', messageId }))
  let stored: string[]
  let checks: string[][]
  let node: RedisEventNode
  let other: RedisEventNode
  beforeEach(async () => {
    stored = [at(1), at(2)]
    checks = []
    const areStored = async (ids: readonly string[]) => {
      checks.push([...ids])
      return ids.map((each) => stored.includes(each))
    }
    node = await startReadyNode(inject('redisUrl'), { ...NEVER_POLLS, pollMs: 20 }, { areStored })
    other = await startReadyNode(inject('redisUrl'), NEVER_POLLS)
  })
  afterEach(async () => {
    for (const each of [node, other]) await each.stop()
    const client = new Redis(inject('redisUrl'))
    await client.del(eventsKey(id))
    client.disconnect()
  })

  const conversation = {
    id,
    get newestId() {
      return stored.at(-1) ?? at(0)
    },
    readNewestId: async () => stored.at(-1) ?? at(0),
  }

  async function untilChecked(messageId: string): Promise<void> {
    const before = checks.length
    await vi.waitFor(
      () =>
        expect(
          checks
            .slice(before)
            .flat()
            .filter((each) => each === messageId).length,
        ).toBeGreaterThan(3),
      WAIT,
    )
  }

  test('gives one reset, to everybody and to those who resume', async () => {
    const [here, there] = [createEventReader(node.events, conversation), createEventReader(other.events, conversation)]
    await vi.waitFor(() => expect([here.heartbeat, there.heartbeat]).not.toContain(undefined), WAIT)
    stored.push(at(3), at(4))
    await other.events.publish(id, appended(at(4)))
    expect(idsOf(await here.take(2))).toEqual([at(4), 'ConversationReset'])
    expect(idsOf(await there.take(2))).toEqual([at(4), 'ConversationReset'])
    await untilChecked(at(5))
    expect([here.received.length, there.received.length]).toEqual([2, 2])
    const resumed = createEventReader(other.events, conversation, here.heartbeat)
    expect(idsOf(await resumed.take(2))).toEqual([at(4), 'ConversationReset'])
    for (const reader of [here, there, resumed]) reader.abort()
  })

  test('is found by a node that follows only since, as the log knows how far it came', async () => {
    const before = createEventReader(other.events, conversation)
    await vi.waitFor(() => expect(before.heartbeat).toBeDefined(), WAIT)
    before.abort()
    stored.push(at(3))
    const resumed = createEventReader(node.events, conversation, before.heartbeat)
    expect(idsOf(await resumed.take(1))).toEqual(['ConversationReset'])
    resumed.abort()
  })

  test('is found too when it was stored between the reading of the newest message and the making of the log', async () => {
    const readNewestId = async () => {
      const newestId = conversation.newestId
      stored.push(at(3))
      return newestId
    }
    const [cursor] = await node.events.readCursors([{ id, readNewestId }])
    const reader = createEventReader(node.events, conversation, cursor)
    expect(idsOf(await reader.take(1))).toEqual(['ConversationReset'])
    reader.abort()
  })

  test('a switch that was lost shows at the next message of its path', async () => {
    const reader = createEventReader(node.events, conversation)
    await vi.waitFor(() => expect(reader.heartbeat).toBeDefined(), WAIT)
    stored.push(at(3, 'b'))
    await node.events.publish(id, appended(at(3, 'b')))
    expect(idsOf(await reader.take(2))).toEqual([at(3, 'b'), 'ConversationReset'])
    reader.abort()
  })

  test('what is published is no loss', async () => {
    const reader = createEventReader(node.events, conversation)
    await vi.waitFor(() => expect(reader.heartbeat).toBeDefined(), WAIT)
    for (const sequence of [3, 4, 5]) {
      stored.push(at(sequence))
      await node.events.publish(id, appended(at(sequence)))
    }
    const newestId = at(5, 'b')
    await node.events.publish(id, [{ type: 'BranchSelected', messageId: at(4, 'b'), newestId }])
    await untilChecked(at(6, 'b'))
    expect(idsOf(reader.received)).toEqual([at(3), at(4), at(5), at(4, 'b')])
    reader.abort()
  })
})

/** A cluster of one server that holds all slots. */
async function startCluster(): Promise<Service> {
  const server = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort())])
  const client = new Redis(server.url)
  const { hostname, port } = new URL(server.url)
  await client.config('SET', 'cluster-announce-ip', hostname, 'cluster-announce-port', port)
  await client.cluster('ADDSLOTSRANGE', 0, 16_383)
  await vi.waitFor(async () => expect(await client.cluster('INFO')).toContain('cluster_state:ok'), WAIT)
  client.disconnect()
  return server
}

async function startNodes(url: string, cluster = false) {
  const started = [
    await startReadyNode(url, NEVER_POLLS, { cluster }),
    await startReadyNode(url, NEVER_POLLS, { cluster }),
  ]
  return {
    nodes: started.map(({ events }) => events),
    async stop() {
      for (const node of started) await node.stop()
    },
  }
}

async function startReadyNode(...args: Parameters<typeof startRedisEventNode>): Promise<RedisEventNode> {
  const node = startRedisEventNode(...args)
  await vi.waitFor(() => expect([node.redis.status, node.subscriber.status]).toEqual(['ready', 'ready']), WAIT)
  return node
}

async function disconnect(redis: RedisEventNode['redis']): Promise<void> {
  redis.disconnect()
  await vi.waitFor(() => expect(redis.status).toBe('end'), WAIT)
}

function changed(...messageIds: string[]): ConversationChange[] {
  return messageIds.map((messageId) => ({ type: 'MessageChanged', messageId }))
}
