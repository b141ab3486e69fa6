import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { reasonOf } from '../../../src/fault-log.ts'
import { createCacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import { createRedisCache } from '../../../src/memory/cache/redis-cache.ts'
import { createRedis } from '../../../src/redis/redis-connection.ts'
import { startRedis } from '../../support/services.ts'
import { appendedOf, SMALL_LIMITS, tailOf } from './cache-rows.ts'
import { fillUp, startSmallRedis } from './full-redis.ts'
import { recordCache } from './recorded-cache.ts'

const MARK = { epoch: 1, branch: '0', sequence: 5 }

/** A guard on a Redis of its own that holds a tail of `a`, with what was sent to it. */
async function createGuarded(starting = startRedis()) {
  const server = await starting
  const redis = createRedis({ urls: [server.url], commandTimeoutMs: 100, onError: () => {}, hasDeadline: true })
  const cache = recordCache(createRedisCache(redis, SMALL_LIMITS))
  const errors: string[] = []
  /** Why it was away, each time. */
  const reasons: string[] = []
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: 100, probeIntervalMs: 50 },
    {
      onFault: (_, error) => errors.push(String(error)),
      onAvailable(available, fault) {
        cache.calls.push(available ? 'available' : 'unavailable')
        if (!available) reasons.push(reasonOf(fault))
      },
      onMarkLost: () => {},
    },
  )
  onTestFinished(async () => {
    await guard.close()
    await server.stop()
  })
  await vi.waitFor(() => cache.ping(), 60_000)
  await fillTail(cache, 'a')
  return { server, redis, cache, guard, errors, reasons }
}

type Guarded = Awaited<ReturnType<typeof createGuarded>>

/** The cache's own connection is made anew at each refusal. */
function connectOperator({ url }: { url: string }): Redis {
  const operator = new Redis(url)
  onTestFinished(() => operator.disconnect())
  return operator
}

async function fillTail(cache: Guarded['cache'], id: string): Promise<void> {
  const { generation } = await cache.open(id, 'g1')
  await cache.fill(id, tailOf(1, 4, { generation }), 50)
}

async function breakCircuit({ cache, guard }: Guarded): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) expect(await guard.readEntries(['a'])).toBeUndefined()
  await expect.poll(() => guard.available).toBe(false)
  expect(cache.calls).toContain('unavailable')
}

/** Nothing but the probe's pings reaches Redis, and no call outlives the turn in which it was made. */
async function expectNoWaiting({ cache, guard }: Guarded): Promise<void> {
  cache.calls.length = 0
  let settled = 0
  const calls = [
    guard.readEntries(['a']),
    guard.open('a'),
    guard.mark('a', MARK),
    guard.confirm('a', appendedOf(5, 5)),
    guard.fill('a', tailOf(1, 5), 50),
    guard.drop('a'),
  ].map((call) => call.finally(() => settled++))
  for (let step = 0; step < 20; step++) await Promise.resolve()
  expect(settled).toBe(calls.length)
  await Promise.all(calls)
  expect(cache.calls.filter((call) => call !== 'ping')).toEqual([])
}

async function expectRecovery({ cache, guard }: Guarded): Promise<void> {
  await expect.poll(() => guard.available).toBe(true)
  const sent = cache.calls.slice(0, cache.calls.indexOf('available'))
  expect(sent.filter((call) => call !== 'ping')).toContain('mark')
  expect(sent.filter((call) => !['ping', 'mark', 'drop'].includes(call))).toEqual([])
  const [entry] = (await guard.readEntries(['a'])) ?? []
  expect(entry?.register).toMatchObject({ epoch: 1, marks: { '0': 5 } })
}

test('with Redis killed every read is a miss at once, and a Redis that is back has the marks first', async () => {
  const guarded = await createGuarded()
  await guarded.server.kill()
  await breakCircuit(guarded)
  await expectNoWaiting(guarded)
  await guarded.server.restart()
  await expectRecovery(guarded)
})

test('with Redis hung every read is a miss at once, and when it goes on it has the marks first', async () => {
  const guarded = await createGuarded()
  await guarded.server.pause()
  await breakCircuit(guarded)
  expect(guarded.errors.at(0)).toMatch(/No answer within 100 ms/)
  await expectNoWaiting(guarded)
  await guarded.server.resume()
  await expectRecovery(guarded)
})

test('a Redis that hangs for long gets no growing queue: its connection is replaced', async () => {
  const guarded = await createGuarded()
  const closed = vi.fn()
  guarded.redis.on('close', closed)
  await guarded.server.pause()
  await breakCircuit(guarded)
  await expect.poll(() => closed.mock.calls.length).toBeGreaterThan(0)
  await guarded.guard.mark('a', MARK)
  await guarded.server.resume()
  guarded.cache.calls.length = 0
  await expectRecovery(guarded)
})

test('a server that is not there yet is a miss, and is used once it is', async () => {
  const guarded = await createGuarded()
  await guarded.server.kill()
  const redis = createRedis({ urls: [guarded.server.url], commandTimeoutMs: 100, onError: () => {}, hasDeadline: true })
  const cache = recordCache(createRedisCache(redis, SMALL_LIMITS))
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: 100, probeIntervalMs: 50 },
    { onFault: () => {}, onAvailable: () => {}, onMarkLost: () => {} },
  )
  onTestFinished(() => guard.close())
  expect(await guard.readEntries(['a'])).toBeUndefined()
  await guarded.server.restart()
  await expect.poll(() => guard.readEntries(['a'])).toEqual([{}])
})

test('a full Redis goes on to answer reads and to take marks, and the breaker stays closed', async () => {
  const { redis, guard, errors } = await createGuarded(startSmallRedis())
  await fillUp(redis)
  for (let attempt = 0; attempt < 10; attempt++) {
    expect(await guard.fill('a', tailOf(1, 5), 50)).toBe(false)
    expect(await guard.open('new')).toBeUndefined()
  }
  expect(errors.every((error) => error.includes('OOM'))).toBe(true)
  await guard.mark('a', MARK)
  expect(guard.available).toBe(true)
  expect(await guard.readEntries(['a'])).toMatchObject([
    { register: { epoch: 1, marks: { '0': 5 } }, tail: { first: 1, last: 4 } },
  ])
  expect(await guard.drop('a')).toBe(true)
})

test('a Redis that refuses writes is away, and gets the mark first when it takes them again', async () => {
  const { server, guard, reasons } = await createGuarded()
  const operator = connectOperator(server)
  await operator.config('SET', 'min-replicas-to-write', '1')
  await guard.mark('a', MARK)
  await expect.poll(() => guard.available).toBe(false)
  expect(reasons).toEqual([expect.stringMatching(/^NOREPLICAS/)])
  expect(await guard.readEntries(['a'])).toBeUndefined()
  expect(JSON.parse((await operator.get('bs:v1:{a}:head')) ?? '')).toMatchObject({ e: 0, h: { '0': 4 } })
  await operator.config('SET', 'min-replicas-to-write', '0')
  await expect.poll(() => guard.available).toBe(true)
  expect(await guard.readEntries(['a'])).toMatchObject([
    { register: { epoch: 1, marks: { '0': 5 } }, tail: { last: 4 } },
  ])
})

test('a Redis that became a replica is away until it takes writes again', async () => {
  const { server, guard, reasons } = await createGuarded()
  const operator = connectOperator(server)
  await operator.replicaof('127.0.0.1', '1')
  await guard.mark('a', MARK)
  await expect.poll(() => guard.available).toBe(false)
  expect(reasons).toEqual([expect.stringMatching(/^READONLY/)])
  await operator.replicaof('NO', 'ONE')
  await expect.poll(() => guard.available).toBe(true)
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { epoch: 1, marks: { '0': 5 } } }])
})

test('a key that is too large to be read in time is dropped, and takes the cache from nobody', async () => {
  const { redis, cache, guard } = await createGuarded()
  await fillTail(cache, 'b')
  // Redis needs seconds to make sense of it, if it tries.
  const marks = Array.from({ length: 200_000 }, (_, index) => `"b${index}":1`).join(',')
  await redis.set('bs:v1:{a}:head', `{"v":4,"g":"g1","e":0,"h":{${marks}},"a":0}`)
  for (let attempt = 0; attempt < 10; attempt++) {
    await guard.mark('a', MARK)
    expect(await guard.readEntries(['b'])).toMatchObject([{ tail: { last: 4 } }])
  }
  expect(guard.available).toBe(true)
  await expect.poll(() => guard.readEntries(['a'])).toMatchObject([{ register: { marks: { '0': 5 } } }])
})

test('a Redis that returns junk is a miss for that conversation alone, and is filled anew', async () => {
  const { redis, cache, guard } = await createGuarded()
  await fillTail(cache, 'b')
  await redis.set('bs:v1:{a}:head', '{"v":4,"g":')
  await redis.lpush('bs:v1:{other}:tail', 'a list')
  const entries = await guard.readEntries(['a', 'b', 'other'])
  expect(entries).toMatchObject([{ tail: { last: 4 } }, { register: { generation: 'g1' }, tail: { last: 4 } }, {}])
  expect(entries?.[0]?.register).toBeUndefined()
  const register = await guard.open('a')
  expect(await guard.fill('a', tailOf(1, 5, { generation: register?.generation ?? '' }), 50)).toBe(true)
  expect(guard.available).toBe(true)
})
