import { Cluster, type Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import type { Cache } from '../../../src/memory/cache/cache.ts'
import { encodeRegisterValue } from '../../../src/memory/cache/cache-format.ts'
import { createRedisCache } from '../../../src/memory/cache/redis-cache.ts'
import { createRedis } from '../../../src/redis/redis-connection.ts'
import { type Service, startRedis } from '../../support/services.ts'
import { appendedOf, manyMarks, SMALL_LIMITS, tailOf } from './cache-rows.ts'
import { testCache } from './cache-suite.ts'
import { fillUp, startSmallRedis } from './full-redis.ts'

let redis: Redis | Cluster
let cache: Cache
let clusterServer: Service
let cluster: Cluster
let clusterCache: Cache

beforeAll(async () => {
  redis = createRedis({ urls: [inject('redisUrl')], commandTimeoutMs: 5_000, onError: () => {} })
  cache = createRedisCache(redis, SMALL_LIMITS)
  await vi.waitFor(() => cache.ping(), 60_000)

  clusterServer = await startRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
  const setUp = createRedis({ urls: [clusterServer.url], commandTimeoutMs: 5_000, onError: () => {} })
  await vi.waitFor(() => setUp.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'), 60_000)
  setUp.disconnect()
  // Twice the same node: what counts is that more than one URL means a cluster.
  const urls = [clusterServer.url, clusterServer.url]
  const connected = createRedis({ urls, commandTimeoutMs: 5_000, onError: () => {} })
  if (!(connected instanceof Cluster)) throw new TypeError('Several URLs are a cluster')
  cluster = connected
  clusterCache = createRedisCache(cluster, SMALL_LIMITS)
  await vi.waitFor(() => clusterCache.open('ready', 'g'), 60_000)
})

afterAll(async () => {
  await cache.close()
  await clusterCache.close()
  await clusterServer.stop()
})

testCache('redis', () => cache)
testCache('redis-cluster', () => clusterCache)

test('a read of many conversations is one command', async () => {
  const commands = await watch(() => cache.readEntries(['many-1', 'many-2', 'many-3']))
  expect(commands).toEqual([
    [
      'mget',
      'bs:v1:{many-1}:head',
      'bs:v1:{many-1}:tail',
      'bs:v1:{many-2}:head',
      'bs:v1:{many-2}:tail',
      'bs:v1:{many-3}:head',
      'bs:v1:{many-3}:tail',
    ],
  ])
})

test('a script whose text the server forgot is sent again', async () => {
  await cache.open('forgotten', 'g1')
  await redis.script('FLUSH')
  expect(await cache.open('forgotten', 'g2')).toMatchObject({ generation: 'g1' })
})

/** However long the test takes. */
const about = (seconds: number) => (left: number) => left <= seconds && left > seconds / 2

test('a register lives a minute, and 60 seconds longer than a tail once it is used; a tail from its whole fill', async () => {
  const [head, tail] = ['bs:v1:{lives}:head', 'bs:v1:{lives}:tail']
  await cache.open('lives', 'g1')
  expect(await redis.ttl(head)).toSatisfy(about(60))
  await cache.fill('lives', tailOf(1, 2), 50)
  expect(await redis.ttl(tail)).toSatisfy(about(50))
  expect(await redis.ttl(head)).toSatisfy(about(160))
  await redis.expire(head, 20)
  await redis.expire(tail, 10)
  await cache.confirm('lives', appendedOf(3, 3))
  expect(await redis.ttl(tail)).toSatisfy(about(10))
  expect(await redis.ttl(head)).toSatisfy(about(160))
  await redis.expire(head, 900)
  await cache.fill('lives', tailOf(1, 4), 50)
  await cache.mark('lives', { epoch: 0, branch: '0', sequence: 5 }, 'g2')
  expect(await redis.ttl(head)).toSatisfy(about(900))
  expect(await redis.ttl(tail)).toSatisfy(about(50))
  await redis.expire(tail, 20)
  await cache.fill('lives', tailOf(1, 5), undefined)
  expect(await redis.ttl(tail)).toSatisfy(about(20))
  await cache.drop('lives', 'g3')
  expect(await redis.ttl(head)).toSatisfy(about(900))
  await redis.expire(head, 5)
  await cache.drop('lives', 'g4')
  expect(await redis.ttl(head)).toSatisfy(about(5))
})

test('an entry is opened for a minute, in one pipeline, and what is there keeps its life', async () => {
  const commands = await watch(() => cache.openEntry('many-opened', 'g1'))
  expect(commands.map(([name]) => name)).toEqual(['set', 'mget'])
  expect(await redis.ttl('bs:v1:{many-opened}:head')).toSatisfy(about(60))
  await redis.expire('bs:v1:{many-opened}:head', 900)
  await cache.openEntry('many-opened', 'g2')
  expect(await redis.ttl('bs:v1:{many-opened}:head')).toSatisfy(about(900))
})

const JUNK_REGISTERS = [
  '',
  'junk',
  '[]',
  'null',
  '7',
  '{}',
  '{"v":9,"g":"g","e":0,"h":{},"a":0}',
  '{"v":4,"g":"g","e":-1,"h":{},"a":0}',
  '{"v":4,"g":"g","e":0,"h":[3],"a":0}',
  '{"v":4,"g":"g","e":0,"h":{"0":1.5},"a":0}',
  '{"v":4,"g":7,"e":0,"h":{},"a":0}',
  '{"v":4,"g":"g","e":0,"h":{},"a":1e99}',
  '{"v":4,"g":"g","e":2147483648,"h":{},"a":0}',
  '{"v":4,"g":"g","e":0,"h":{"0":2147483648},"a":0}',
  '{"v":4,"g":"g","e":0,"h":{"../x":1},"a":0}',
  `{"v":4,"g":"g","e":0,"h":{},"a":0,"x":"${'x'.repeat(64_000)}"}`,
  '\u0000\ud800\n{',
] as const

test.each(JUNK_REGISTERS)(
  'a register that reads %.60j is absent and is overwritten by open and by mark',
  async (junk) => {
    const key = 'bs:v1:{junk}:head'
    await redis.set(key, junk)
    expect(await cache.readEntries(['junk'])).toEqual([{}])
    expect(await cache.fill('junk', tailOf(1, 1), 50)).toBe(false)
    await cache.confirm('junk', appendedOf(1, 1))
    expect(await cache.readEntries(['junk'])).toEqual([{}])
    expect(await cache.openEntry('junk', 'g')).toEqual({})
    expect(await cache.open('junk', 'opened')).toMatchObject({ generation: 'opened' })
    await redis.set(key, junk)
    await cache.mark('junk', { epoch: 0, branch: '0', sequence: 1 }, 'marked')
    expect((await cache.readEntries(['junk']))[0]?.register).toMatchObject({ generation: 'marked', marks: { '0': 1 } })
    await cache.drop('junk', 'g1')
  },
)

const HEADER = '{"v":4,"g":"g1","i":"i","e":0,"b":"0","f":1,"l":9,"s":0,"t":5,"k":0,"o":"o","n":"n"}'
const withForks = (forks: string) => `${HEADER.replace('"f"', `"p":${forks},"f"`)}\n5,0`
const JUNK_TAILS = [
  '',
  'junk',
  HEADER,
  `${HEADER}\n`,
  `${HEADER}\n5,"u",1,"cut o`,
  `${HEADER.replace('"v":4', '"v":9')}\n5,0`,
  `${HEADER.replace('"l":9', '"l":-9')}\n5,0`,
  `${HEADER.replace('"k":0', '"k":true')}\n5,0`,
  `${HEADER.replace('"o":"o"', '"o":null')}\n5,0`,
  ...['null', '7', '"0"', '{}', '[]', '{"0":5}', '[null]', '["0",5]', '["05"]', '[{"0":5}]', '[[]]', '[["0"]]'].map(
    withForks,
  ),
  ...['[["0",5,4]]', '[[0,5]]', '[["0","5"]]', '[["0",5.5]]', '[["0",-5]]', '[["0",null]]', '[["0",5],0]'].map(
    withForks,
  ),
  ...['[["1",4],["0",5]]', '[["1",5],["0",5]]', '[["0",2147483648]]', '[["../x",5]]', '[["B",5]]'].map(withForks),
  ...['"../x"', '""', '"0000000000000000x"', '7'].map((branch) => `${HEADER.replace('"b":"0"', `"b":${branch}`)}\n5,0`),
  `${HEADER.replace('"i":"i"', '"i":5')}\n5,0`,
  `${HEADER.replace('"f":1,"l":9', '"f":1099511627776,"l":1099511627784')}\n5,0`,
  `${HEADER.replace('"e":0', '"e":2147483648')}\n5,0`,
  `${HEADER.replace('"s":0', '"s":2147483645')}\n5,0`,
] as const

test.each(JUNK_TAILS)('a tail that reads %j is absent, stops no confirm and is overwritten by a fill', async (junk) => {
  await cache.open('junk-tail', 'g1')
  await redis.set('bs:v1:{junk-tail}:tail', junk)
  expect((await cache.readEntries(['junk-tail']))[0]?.tail).toBeUndefined()
  await cache.confirm('junk-tail', appendedOf(10, 10))
  expect((await cache.readEntries(['junk-tail']))[0]).toMatchObject({ register: { marks: { '0': 10 } } })
  expect(await cache.fill('junk-tail', tailOf(1, 1), 50)).toBe(true)
  expect((await cache.readEntries(['junk-tail']))[0]?.tail).toEqual(tailOf(1, 1))
  await cache.drop('junk-tail', 'g1')
})

test('a register with marks of too many branches is forgotten', async () => {
  const full = { generation: 'g1', epoch: 0, marks: manyMarks(), raisedAt: 0 }
  await redis.set('bs:v1:{many}:head', encodeRegisterValue(full))
  await cache.mark('many', { epoch: 1, branch: 'b000000000000000', sequence: 3 }, 'g2')
  const marks = { ...full.marks, b000000000000000: 3 }
  expect(await cache.readEntries(['many'])).toMatchObject([{ register: { generation: 'g1', epoch: 1, marks } }])
  await cache.mark('many', { epoch: 0, branch: '0', sequence: 1 }, 'g2')
  expect(await cache.readEntries(['many'])).toEqual([{}])
  await cache.mark('many', { epoch: 0, branch: '0', sequence: 1 }, 'g2')
  expect(await cache.readEntries(['many'])).toMatchObject([{ register: { generation: 'g2', marks: { '0': 1 } } }])
})

test('keys of another type are absent and are overwritten', async () => {
  await redis.hset('bs:v1:{typed}:head', 'a', '1')
  await redis.rpush('bs:v1:{typed}:tail', 'a')
  expect(await cache.readEntries(['typed'])).toEqual([{}])
  await cache.mark('typed', { epoch: 0, branch: '0', sequence: 1 }, 'g1')
  await cache.confirm('typed', appendedOf(1, 1))
  expect(await cache.fill('typed', tailOf(1, 1), 50)).toBe(true)
  expect((await cache.readEntries(['typed']))[0]).toMatchObject({ register: { generation: 'g1' }, tail: tailOf(1, 1) })
})

test('a full Redis takes marks and answers reads, and refuses the rest', async () => {
  const server = await startSmallRedis()
  onTestFinished(() => server.stop())
  const full = createRedis({ urls: [server.url], commandTimeoutMs: 5_000, onError: () => {} })
  onTestFinished(() => full.disconnect())
  const fullCache = createRedisCache(full, SMALL_LIMITS)
  await vi.waitFor(() => fullCache.open('a', 'g1'), 60_000)
  await fullCache.fill('a', tailOf(1, 3), 50)
  await fillUp(full)

  await fullCache.mark('a', { epoch: 0, branch: '0', sequence: 4 }, 'g2')
  await fullCache.mark('new', { epoch: 0, branch: '0', sequence: 1 }, 'g2')
  const [entry, created] = await fullCache.readEntries(['a', 'new'])
  expect(entry).toMatchObject({ register: { generation: 'g1', marks: { '0': 4 } }, tail: tailOf(1, 3) })
  expect(created).toMatchObject({ register: { generation: 'g2', marks: { '0': 1 } } })
  await expect(fullCache.open('b', 'g1')).rejects.toThrow('OOM')
  await expect(fullCache.ping()).rejects.toThrow('OOM')
  await expect(fullCache.confirm('a', appendedOf(4, 4))).rejects.toThrow('OOM')
  await expect(fullCache.fill('a', tailOf(1, 4), 50)).rejects.toThrow('OOM')
  await fullCache.drop('a', 'g3')
  expect((await fullCache.readEntries(['a']))[0]).toEqual({ register: { ...entry?.register, generation: 'g3' } })
  expect(await fullCache.openEntry('b', 'g1')).toEqual({})
})

/**
 * The commands that a piece of work sends. By the client and not by MONITOR: ioredis takes lines of what others send for
 * answers where they come with its first one.
 */
async function watch(work: () => Promise<unknown>): Promise<string[][]> {
  const sent = vi.spyOn(redis, 'sendCommand')
  onTestFinished(() => sent.mockRestore())
  await work()
  return sent.mock.calls.map(([{ name, args }]) => [name, ...args.map(String)])
}
