import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { createKeptLog } from './support/kept-log.ts'
import { ownDatabaseUrl } from './support/patient-mongodb.ts'

/** Longer than any sweep's interval. */
const LATER_MS = 600_000
/** Ticks in which an app whose sweeps are not awaited has closed its stores. */
const TICKS = 2_000

test('an app that stops closes its stores only when the sweep under way is over', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const mongodb = await startHoldingProxy()
  const log = createKeptLog()
  const app = createApp(
    loadConfig({ MONGODB_URL: mongodb.url, REDIS_URL: inject('redisUrl'), PORT: '0', SHUTDOWN_DEADLINE_MS: '600000' }),
    log,
  )
  await app.start()
  const asked = mongodb.hold()
  vi.advanceTimersByTime(LATER_MS)
  await asked
  let isStopped = false
  const stopping = app.stop().then(() => {
    isStopped = true
  })
  for (let tick = 0; tick < TICKS; tick += 1) await setImmediate()
  expect(isStopped).toBe(false)
  mongodb.release()
  await stopping
  expect(log.entries.filter(({ message }) => message === 'sweep failed')).toEqual([])
})

/** The shared MongoDB, whose answers can be held back. */
async function startHoldingProxy() {
  const target = new URL(ownDatabaseUrl('sweeps'))
  const upstreams = new Set<Socket>()
  const asking = Promise.withResolvers<void>()
  let isHeld = false
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname)
    upstreams.add(upstream)
    socket.on('data', () => isHeld && asking.resolve())
    socket.pipe(upstream).pipe(socket)
    if (isHeld) upstream.pause()
    for (const each of [socket, upstream]) each.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = Object.assign(new URL(target.href), { port: (server.address() as AddressInfo).port }).href
  return {
    url,
    /** Resolves when something is asked that is not answered. */
    hold() {
      isHeld = true
      for (const upstream of upstreams) upstream.pause()
      return asking.promise
    },
    release() {
      isHeld = false
      for (const upstream of upstreams) upstream.resume()
    },
  }
}
