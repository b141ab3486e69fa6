import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { appendedOf, tailOf } from './cache-rows.ts'
import { breakCircuit, createGuarded, settlesAtOnce } from './guarded-cache.ts'
import { disconnect, hang, refuse, refuseWrites } from './recorded-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

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
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { epoch: 1, marks: { '0': 3 } } }])
  expect((await guard.readEntries(['a']))?.[0]?.tail).toBeUndefined()
  expect(await guard.openEntry('b')).toMatchObject({ register: { epoch: 0 } })
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
  const { cache, guard } = createGuarded({ faultsToSuspect: 100 })
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

test('timeouts in a row are followed by a ping, and it alone says whether the cache is away', async () => {
  const { cache, guard, events } = createGuarded()
  async function timeOut(times: number, isPingAnswered: boolean): Promise<void> {
    cache.before = (operation) => (operation === 'ping' && isPingAnswered ? undefined : hang())
    for (let count = 0; count < times; count++) {
      const reading = guard.readEntries([`c${cache.calls.length}`])
      await vi.advanceTimersByTimeAsync(51)
      await reading
    }
    await vi.advanceTimersByTimeAsync(51)
  }
  await timeOut(4, false)
  expect(cache.calls).not.toContain('ping')
  await timeOut(1, true)
  expect(cache.calls.filter((call) => call === 'ping')).toHaveLength(1)
  expect(guard.available).toBe(true)
  await timeOut(5, false)
  expect(guard.available).toBe(false)
  expect(events.filter((event) => !event.startsWith('fault'))).toEqual(['unavailable'])
})

test('one conversation whose keys are too slow is dropped, while others are read as ever', async () => {
  const { cache, guard } = createGuarded({ probeIntervalMs: 500 })
  await guard.open('well')
  cache.before = (operation, ids) => (operation === 'readEntries' && ids.includes('slow') ? hang() : undefined)
  for (let count = 0; count < 20; count++) {
    const reading = guard.readEntries(['slow'])
    expect(await guard.readEntries(['well'])).toMatchObject([{ register: { epoch: 0 } }])
    await vi.advanceTimersByTimeAsync(51)
    expect(await reading).toBeUndefined()
  }
  expect(guard.available).toBe(true)
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toContain('drop')
})

test('a cache that takes no writes is away until it does, though it answers reads', async () => {
  const { cache, guard, events } = createGuarded({ probeIntervalMs: 500 })
  await guard.open('a')
  cache.before = (operation) => (operation === 'readEntries' ? undefined : refuseWrites())
  await guard.mark('a', MARK)
  await vi.advanceTimersByTimeAsync(0)
  expect(guard.available).toBe(false)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(guard.available).toBe(false)
  cache.before = () => {}
  await vi.advanceTimersByTimeAsync(500)
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { marks: { '0': 5 } } }])
  expect(events.filter((event) => event.endsWith('available'))).toEqual(['unavailable', 'available'])
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

test('close does not wait for a cache that is away', async () => {
  const guarded = createGuarded()
  await breakCircuit(guarded)
  await guarded.guard.mark('a', MARK)
  expect(await settlesAtOnce(guarded.guard.close())).toBe(true)
  expect(guarded.cache.calls).toEqual(['close'])
})
