import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createRedis } from '../../src/redis/redis-connection.ts'
import { createReconnectRule, isMissingDatabase, isOutage } from '../../src/redis/redis-outage.ts'
import { findFreePort } from '../support/free-port.ts'
import { type Service, startRedis } from '../support/services.ts'

const READONLY = new Error("READONLY You can't write against a read only replica.")

describe('The rule of reconnecting', () => {
  test('is about refusals that another server, or the same one later, would not give', () => {
    const answers = [
      'READONLY x',
      'NOREPLICAS x',
      'MISCONF x',
      'OOM x',
      'ERR x',
      'NOSCRIPT x',
      'WRONGTYPE x',
      'NOAUTH x',
    ]
    expect(answers.filter((message) => isOutage(new Error(message)))).toEqual([
      'READONLY x',
      'NOREPLICAS x',
      'MISCONF x',
    ])
  })

  test('is no storm: the waits double up to half a minute, and begin anew after a quiet minute', () => {
    let now = 0
    const isReason = createReconnectRule(() => now)
    const reconnects: number[] = []
    for (; now < 120_000; now += 10) if (isReason(READONLY)) reconnects.push(now)
    const waits = reconnects.slice(1).map((at, index) => at - (reconnects[index] ?? 0))
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
    now += 70_000
    expect(isReason(READONLY)).toBe(true)
    now += 100
    expect(isReason(READONLY)).toBe(true)
    expect(isReason(new Error('OOM command not allowed'))).toBe(false)
  })
})

describe('On a server that refuses', () => {
  let server: Service
  let client: Redis
  let admin: Redis
  let connections: number
  let errors: Error[]

  async function start(args: string[] = []): Promise<void> {
    server = await startRedis(args)
    connections = 0
    errors = []
    client = connect(server.url, () => connections++)
    admin = connect(server.url, () => {})
    await expect.poll(() => [client.status, admin.status]).toEqual(['ready', 'ready'])
    await client.set('key', 'before')
  }

  function connect(url: string, onReady: () => void): Redis {
    const connection = {
      urls: [url],
      commandTimeoutMs: 2_500,
      onError: (error: Error) => void errors.push(error),
      onReady,
    }
    return createRedis(connection) as Redis
  }

  beforeEach(() => start())
  afterEach(async () => {
    for (const each of [client, admin]) each.disconnect()
    await server.stop()
  })

  /** Writes until it is answered so; the connection may be away in between. */
  async function untilWritten(outcome: RegExp): Promise<void> {
    const write = () => client.set('key', 'value').catch((error: Error) => error.message)
    await expect.poll(write).toMatch(outcome)
  }

  test('since it became a replica, the client connects anew, and goes on when it is a master again', async () => {
    await admin.replicaof('127.0.0.1', await findFreePort())
    await untilWritten(/^READONLY/)
    await expect.poll(() => connections).toBe(2)
    await admin.replicaof('NO', 'ONE')
    await untilWritten(/^OK$/)
  })

  test('since it lacks replicas, the client connects anew, and not for each refusal', async () => {
    await admin.config('SET', 'min-replicas-to-write', '1')
    await untilWritten(/^NOREPLICAS/)
    await expect.poll(() => connections).toBe(2)
    const refused = await Promise.allSettled(Array.from({ length: 500 }, () => client.set('key', 'value')))
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true)
    expect(connections).toBeLessThanOrEqual(5)
    await admin.config('SET', 'min-replicas-to-write', '0')
    await untilWritten(/^OK$/)
  })

  test('since it cannot save, the client connects anew', async () => {
    await admin.config('SET', 'save', '3600 1')
    const failing = await startRedis(['--dir', '/proc', '--save', '3600 1'])
    onTestFinished(() => failing.stop())
    let ready = 0
    const other = connect(failing.url, () => ready++)
    onTestFinished(() => other.disconnect())
    await expect.poll(() => other.status).toBe('ready')
    await other.bgsave()
    const write = () => other.set('key', 'value').catch((error: Error) => error.message)
    await expect.poll(write).toMatch(/^MISCONF/)
    await expect.poll(() => ready).toBeGreaterThanOrEqual(2)
  })

  test('what is full is no outage: the connection stays', async () => {
    await admin.config('SET', 'maxmemory', '1')
    await untilWritten(/^OOM/)
    await client.set('key', 'value').catch(() => undefined)
    expect(await client.ping()).toBe('PONG')
    expect(connections).toBe(1)
  })

  test('a database that is not there is no other one', async () => {
    const other = connect(`${server.url}/99`, () => {})
    onTestFinished(() => other.disconnect())
    await expect.poll(() => errors.some(isMissingDatabase)).toBe(true)
    await other.set('stray', 'value').catch(() => undefined)
    await expect.poll(() => errors.filter(isMissingDatabase).length).toBeGreaterThan(1)
    expect(await admin.exists('stray')).toBe(0)
  })
})
