import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type CacheGuardLimits, createCacheGuard } from '../../src/memory/cache-guard.ts'
import { createLocalCache } from '../../src/memory/local-cache.ts'
import { appendedOf, SMALL_LIMITS, tailOf } from './cache-suite.ts'
import { disconnect, hang, recordCache, refuse } from './recorded-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function createGuarded(limits: Partial<CacheGuardLimits> = {}) {
  const cache = recordCache(createLocalCache({ ...SMALL_LIMITS, maxBytes: 100_000_000 }, () => 1_000_000))
  const events: string[] = []
  const guard = createCacheGuard(
    cache,
    { commandTimeoutMs: 50, ...limits },
    {
      onFault: (operation) => events.push(`fault ${operation}`),
      onAvailable: (available) => events.push(available ? 'available' : 'unavailable'),
      onMarkLost: (id) => events.push(`lost ${id}`),
    },
  )
  return { cache, guard, events }
}

type Guarded = ReturnType<typeof createGuarded>

async function breakCircuit({ cache, guard }: Guarded): Promise<void> {
  cache.before = disconnect
  while (guard.available) await guard.readEntries(['a'])
  cache.before = () => {}
  cache.calls.length = 0
}

/** Whether it settles in this turn: no timer and no input of any kind comes in between. */
async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const watched = promise.finally(() => {
    settled = true
  })
  for (let step = 0; step < 20; step++) await Promise.resolve()
  return settled && (await watched.then(() => true))
}

const MARK = { epoch: 1, branch: '0', sequence: 5 }

test('a working cache is passed through', async () => {
  const { guard, events } = createGuarded()
  const register = await guard.open('a')
  expect(register?.generation).toMatch(/^[\w-]{12}$/)
  const tail = tailOf(1, 2, { generation: register?.generation ?? '' })
  expect(await guard.fill('a', tail, 50)).toBe(true)
  await guard.mark('a', { ...MARK, sequence: 3 })
  await guard.confirm('a', appendedOf(3, 3))
  expect(await guard.readEntries(['a'])).toMatchObject([
    { register: { epoch: 1, marks: { '0': 3 } }, tail: { first: 1, last: 3 } },
  ])
  expect(await guard.drop('a')).toBe(true)
  expect(await guard.readEntries(['a'])).toEqual([{}])
  expect(events).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('every generation is new', async () => {
  const { guard } = createGuarded()
  const registers = await Promise.all(Array.from({ length: 100 }, (_, index) => guard.open(`c${index}`)))
  expect(new Set(registers.map((register) => register?.generation)).size).toBe(100)
})

const faults = [
  ['fails', disconnect],
  ['refuses', refuse],
] as const

test.each(faults)('a cache that %s is a miss, and nothing rejects', async (_, fault) => {
  const { cache, guard } = createGuarded({ faultsToOpen: 100 })
  cache.before = fault
  expect(await guard.readEntries(['a'])).toBeUndefined()
  expect(await guard.open('a')).toBeUndefined()
  expect(await guard.fill('a', tailOf(1, 2), 50)).toBe(false)
  expect(await guard.drop('a')).toBe(false)
  expect(await guard.mark('a', MARK)).toBeUndefined()
  expect(await guard.confirm('a', appendedOf(1, 1))).toBeUndefined()
  expect(await guard.close()).toBeUndefined()
})

test('a cache that never answers is a miss after the command timeout', async () => {
  const { cache, guard } = createGuarded()
  cache.before = hang
  const calls = [guard.readEntries(['a']), guard.open('a'), guard.mark('a', MARK), guard.drop('a')]
  await vi.advanceTimersByTimeAsync(49)
  expect(await settlesAtOnce(Promise.race(calls))).toBe(false)
  await vi.advanceTimersByTimeAsync(2)
  expect(await Promise.all(calls)).toEqual([undefined, undefined, undefined, false])
})

test('an answer that is there when a blocked event loop goes on is taken, however late', async () => {
  const { cache, guard } = createGuarded()
  const { promise, resolve } = Promise.withResolvers<void>()
  cache.before = () => promise
  const opened = guard.open('a')
  // The timer of the timeout runs first, as after a block; the socket is read in the same turn, behind it.
  setTimeout(resolve, 50)
  await vi.advanceTimersByTimeAsync(50)
  expect(await opened).toMatchObject({ epoch: 0 })
})

test('five faults in a row open the breaker, a success in between starts anew', async () => {
  const guarded = createGuarded()
  const { cache, guard, events } = guarded
  for (const healthy of [false, false, false, false, true, false, false, false, false]) {
    cache.before = healthy ? () => {} : disconnect
    await guard.readEntries(['a'])
  }
  expect(guard.available).toBe(true)
  await guard.readEntries(['a'])
  expect(guard.available).toBe(false)
  expect(events.filter((event) => !event.startsWith('fault'))).toEqual(['unavailable'])
})

test('refusals never open the breaker, and reads still hit', async () => {
  const { cache, guard } = createGuarded()
  await guard.open('a')
  cache.before = (operation) => {
    if (operation !== 'readEntries') refuse()
  }
  for (let index = 0; index < 20; index++) await guard.confirm('a', appendedOf(1, 1))
  expect(guard.available).toBe(true)
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { epoch: 0 } }])
})

test('while the breaker is open every call settles at once and none reaches the cache', async () => {
  const guarded = createGuarded()
  const { cache, guard } = guarded
  await breakCircuit(guarded)
  cache.before = hang
  const calls = [guard.readEntries(['a']), guard.open('a'), guard.mark('a', MARK), guard.confirm('a', appendedOf(1, 1))]
  expect(await settlesAtOnce(Promise.all([...calls, guard.fill('a', tailOf(1, 1), 50), guard.drop('a')]))).toBe(true)
  expect(cache.calls).toEqual([])
})

test('while the background probe waits for its answer no call does, and none reaches the cache', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500 })
  const { cache, guard, events } = guarded
  await breakCircuit(guarded)
  cache.before = hang
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toEqual(['ping'])
  expect(await settlesAtOnce(Promise.all([guard.readEntries(['a']), guard.mark('a', MARK)]))).toBe(true)
  expect(cache.calls).toEqual(['ping'])
  await vi.advanceTimersByTimeAsync(1_600)
  expect(cache.calls.filter((call) => call !== 'ping')).toEqual([])
  expect(cache.calls.length).toBeGreaterThanOrEqual(3)
  expect(events.filter((event) => event.endsWith('available'))).toEqual(['unavailable'])
})

test('a cache that is back gets the kept marks before any caller is let through', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500 })
  const { cache, guard, events } = guarded
  await breakCircuit(guarded)
  await guard.mark('a', MARK)
  await guard.mark('a', { epoch: 3, branch: '0', sequence: 4 })
  await guard.mark('a', { epoch: 2, branch: 'b1', sequence: 2 })
  await guard.mark('b', MARK)
  const gate = Promise.withResolvers<void>()
  cache.before = (operation) => (operation === 'mark' ? gate.promise : undefined)
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toEqual(['ping', 'mark', 'mark'])
  expect(await guard.readEntries(['a'])).toBeUndefined()
  gate.resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect(cache.calls).toEqual(['ping', 'mark', 'mark', 'mark'])
  expect(guard.available).toBe(true)
  expect(events.at(-1)).toBe('available')
  expect(await guard.readEntries(['a', 'b'])).toMatchObject([
    { register: { epoch: 3, marks: { '0': 5, b1: 2 } } },
    { register: { epoch: 1, marks: { '0': 5 } } },
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('a cache that fails again while the kept marks are sent stays away, and they stay kept', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500 })
  const { cache, guard } = guarded
  await breakCircuit(guarded)
  await guard.mark('a', MARK)
  cache.before = (operation) => (operation === 'mark' ? disconnect() : undefined)
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toEqual(['ping', 'mark'])
  expect(guard.available).toBe(false)
  cache.before = () => {}
  await vi.advanceTimersByTimeAsync(500)
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { marks: { '0': 5 } } }])
})

test('a mark that alone was refused is sent again, and meanwhile raises what this node reads', async () => {
  const { cache, guard } = createGuarded({ probeIntervalMs: 500 })
  const { generation = '' } = (await guard.open('a')) ?? {}
  await guard.fill('a', tailOf(1, 4, { generation }), 50)
  cache.before = (operation) => (operation === 'mark' ? refuse() : undefined)
  await guard.mark('a', MARK)
  expect(guard.available).toBe(true)
  expect(await guard.readEntries(['other', 'a'])).toMatchObject([
    {},
    { register: { generation, epoch: 1, marks: { '0': 5 } }, tail: { last: 4 } },
  ])
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { epoch: 0, marks: { '0': 4 } } }])
  await vi.advanceTimersByTimeAsync(1_000)
  cache.before = () => {}
  await vi.advanceTimersByTimeAsync(500)
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { epoch: 1, marks: { '0': 5 } } }])
  expect(vi.getTimerCount()).toBe(0)
})

test('a mark that is raised while it is sent is sent again', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500, faultsToOpen: 1 })
  const { cache, guard } = guarded
  await breakCircuit(guarded)
  await guard.mark('a', MARK)
  const gate = Promise.withResolvers<void>()
  cache.before = (operation) => (operation === 'mark' ? gate.promise : undefined)
  await vi.advanceTimersByTimeAsync(500)
  await guard.mark('a', { ...MARK, sequence: 6 })
  gate.resolve()
  await vi.advanceTimersByTimeAsync(500)
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { marks: { '0': 6 } } }])
})

test('marks of more conversations than may be kept are lost, and told of', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500, maxKeptMarks: 2 })
  const { cache, guard, events } = guarded
  await breakCircuit(guarded)
  for (const id of ['a', 'b', 'c']) await guard.mark(id, MARK)
  await guard.mark('a', { ...MARK, sequence: 6 })
  expect(events.filter((event) => event.startsWith('lost'))).toEqual(['lost c'])
  await vi.advanceTimersByTimeAsync(500)
  expect(await cache.readEntries(['a', 'b', 'c'])).toMatchObject([
    { register: { marks: { '0': 6 } } },
    { register: { marks: { '0': 5 } } },
    {},
  ])
})

test('a thousand refused marks do not keep others from being sent', async () => {
  const { cache, guard } = createGuarded({ probeIntervalMs: 500 })
  cache.before = (operation) => (operation === 'mark' ? refuse() : undefined)
  for (let index = 0; index < 1_000; index++) await guard.mark(`refused-${index}`, MARK)
  await guard.mark('last', MARK)
  cache.calls.length = 0
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls.length).toBeLessThan(500)
  await vi.advanceTimersByTimeAsync(2_500)
  cache.before = () => {}
  await vi.advanceTimersByTimeAsync(2_500)
  expect(await cache.readEntries(['refused-0', 'last'])).toMatchObject([
    { register: { marks: { '0': 5 } } },
    { register: { marks: { '0': 5 } } },
  ])
})

test('close sends what is kept, closes the cache and leaves no timer', async () => {
  const { cache, guard } = createGuarded()
  cache.before = (operation) => (operation === 'mark' ? refuse() : undefined)
  await guard.mark('a', MARK)
  cache.before = () => {}
  cache.calls.length = 0
  await guard.close()
  expect(cache.calls).toEqual(['mark', 'close'])
  expect(vi.getTimerCount()).toBe(0)
})

test('close does not wait for a cache that is away', async () => {
  const guarded = createGuarded()
  await breakCircuit(guarded)
  await guarded.guard.mark('a', MARK)
  expect(await settlesAtOnce(guarded.guard.close())).toBe(true)
  expect(guarded.cache.calls).toEqual(['close'])
})
