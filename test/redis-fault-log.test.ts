import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openRedis } from '../src/open-redis.ts'
import { COMMANDS, createRedisFaultLog, redisReasonOf } from '../src/redis-fault-log.ts'
import { createKeptLog } from './support/kept-log.ts'
import { startRedis } from './support/services.ts'

const NO_STREAM = new Error("Stream isn't writeable and enableOfflineQueue options is false")
const BUSY = new Error('Ready check failed: Command timed out')
const SOCKET_TIMEOUT = new Error("Socket timeout. Expecting data, but didn't receive any in 2000ms.")
const REFUSED = new Error('connect ECONNREFUSED 127.0.0.1:1')

function createKept(urls = ['redis://ann:secret@127.0.0.1:1']) {
  const log = createKeptLog()
  const lines = () => log.entries.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  return { log, lines, faults: createRedisFaultLog(log, urls) }
}

test('a Redis that was never there is told with its setting, host and reason, and is not gone or back', () => {
  const { log, lines, faults } = createKept()
  for (const source of ['events', 'cache', 'events']) faults.onFault(REFUSED, source)
  faults.onFault(NO_STREAM, COMMANDS)
  expect(log.entries.filter(({ level }) => level === 'warn')).toEqual([
    {
      level: 'warn',
      fields: { setting: 'REDIS_URL', redis: ['redis://127.0.0.1:1'], reason: REFUSED.message },
      message: 'the cache cannot be used: reads go to the history',
    },
  ])
  for (const source of ['events', 'cache', COMMANDS]) faults.onSuccess(source)
  expect(lines().slice(1)).toEqual(['the cache can be used now'])
  faults.onFault(REFUSED, 'cache')
  faults.onSuccess('cache')
  expect(lines().slice(2)).toEqual(['the cache is gone: reads go to the history', 'the cache is back'])
})

test.each([BUSY, SOCKET_TIMEOUT])('what a busy machine causes at the start is no line: %s', (busy) => {
  const { log, lines, faults } = createKept()
  faults.onFault(NO_STREAM, COMMANDS)
  faults.onFault(busy, 'events')
  for (const source of ['cache', 'events', COMMANDS]) faults.onSuccess(source)
  faults.onFault(busy, 'cache')
  faults.onSuccess('cache')
  expect(lines()).toEqual([])
  for (let attempt = 0; attempt < 3; attempt += 1) faults.onFault(busy, 'cache')
  expect(lines()).toEqual(['the cache is gone: reads go to the history'])
  expect(JSON.stringify(log.entries)).not.toContain('writeable')
})

test.each([
  [NO_STREAM, 'there is no connection'],
  [BUSY, 'no answer in time'],
  [SOCKET_TIMEOUT, 'no answer in time'],
  [new Error('getaddrinfo ENOTFOUND nowhere'), 'getaddrinfo ENOTFOUND nowhere'],
  [new Error('write EPROTO 0A00010B:SSL routines:x:wrong version number:record.c'), 'TLS: '],
  [Object.assign(new Error('No slots'), { lastNodeError: new Error('WRONGPASS x') }), 'password of REDIS_URL'],
])('%s is told as "%s"', (error, reason) => {
  expect(redisReasonOf(error)).toContain(reason)
})

test.each([
  ['a wrong password', 'redis://:wrong@', 'the password of REDIS_URL is refused (WRONGPASS)'],
  ['no password', 'redis://', 'the password of REDIS_URL is refused: it has none'],
  ['TLS where there is none', 'rediss://', 'is there TLS, which rediss:// asks for?'],
])('%s is told by a real Redis', async (_, access, reason) => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const admin = new Redis(redis.url)
  await admin.config('SET', 'requirepass', 'right')
  admin.disconnect()
  await expectReason(`${access}${new URL(redis.url).host}`, reason)
})

test('a server that closes without a word is told', async () => {
  const server = createServer((socket) => socket.on('data', () => socket.end())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  await expectReason(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`, 'there is no connection')
})

test('a Redis that starts later can be used then, and is gone when it stops', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  await redis.kill()
  const { lines } = open(redis.url)
  await vi.waitFor(() => expect(lines()).toHaveLength(1), 60_000)
  await redis.restart()
  await vi.waitFor(() => expect(lines()).toHaveLength(2), 60_000)
  await redis.kill()
  await vi.waitFor(() => expect(lines()).toHaveLength(3), 60_000)
  expect(lines()).toEqual([
    'the cache cannot be used: reads go to the history',
    'the cache can be used now',
    'the cache is gone: reads go to the history',
  ])
})

test('a start waits for every connection: a subscriber before the one of its events would begin with a reset', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const target = new URL(redis.url)
  let held: (() => void) | undefined
  const proxy = createServer((socket) => {
    const forward = () => {
      const upstream = connect(Number(target.port), target.hostname)
      socket.pipe(upstream).pipe(socket)
      for (const each of [socket, upstream]) each.on('error', () => socket.destroy())
    }
    if (held === undefined) held = forward
    else forward()
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  const { stores, ready } = open(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  let isPrepared = false
  const prepared = stores.prepare().then(() => {
    isPrepared = true
  })
  await vi.waitFor(() => expect(ready).toHaveLength(2), 60_000)
  await setImmediate()
  expect(isPrepared).toBe(false)
  held?.()
  await prepared
  expect(ready).toHaveLength(3)
})

function open(url: string) {
  const { log, lines, faults: logged } = createKept([url])
  const limits = { tailTokens: 100, ttlSeconds: 100, commandTimeoutMs: 60_000 }
  const ready: string[] = []
  const onSuccess = (name = '') => {
    ready.push(name)
    logged.onSuccess(name)
  }
  const faults = { ...logged, onSuccess }
  const stores = openRedis([url], { areStored: async () => [], log, faults }, limits)
  onTestFinished(async () => {
    await stores.events.close()
    await stores.replyLog.close()
    await stores.cache.close()
  })
  return { log, lines, stores, ready }
}

async function expectReason(url: string, reason: string): Promise<void> {
  const { log } = open(url)
  const warnings = () => log.entries.filter(({ level }) => level === 'warn')
  await vi.waitFor(() => expect(warnings()).toHaveLength(1), 60_000)
  expect(warnings()).toMatchObject([
    {
      message: 'the cache cannot be used: reads go to the history',
      fields: { setting: 'REDIS_URL', reason: expect.stringContaining(reason) },
    },
  ])
  expect(JSON.stringify(log.entries)).not.toMatch(/wrong@|writeable/)
}
