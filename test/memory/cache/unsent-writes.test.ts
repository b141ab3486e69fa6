import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { tailOf } from './cache-rows.ts'
import { breakCircuit, createGuarded } from './guarded-cache.ts'
import { disconnect, refuse } from './recorded-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const MARK = { epoch: 1, branch: '0', sequence: 5 }

test('a cache that is back gets the unsent marks before any caller is let through', async () => {
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

test('a mark that fails again does not keep away a cache that answers, and stays unsent', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500 })
  const { cache, guard } = guarded
  await breakCircuit(guarded)
  await guard.mark('a', MARK)
  await guard.open('b')
  cache.before = (operation) => (operation === 'mark' ? disconnect() : undefined)
  await vi.advanceTimersByTimeAsync(500)
  expect(guard.available).toBe(true)
  expect(await cache.readEntries(['a'])).toEqual([{}])
  cache.before = () => {}
  await vi.advanceTimersByTimeAsync(500)
  expect(await guard.readEntries(['a'])).toMatchObject([{ register: { marks: { '0': 5 } } }])
})

test('a cache that is gone again while the unsent marks are sent stays away, and they stay unsent', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500 })
  const { cache, guard } = guarded
  await breakCircuit(guarded)
  await guard.mark('a', MARK)
  cache.before = () => (cache.calls.length > 1 ? disconnect() : undefined)
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toEqual(['ping', 'mark', 'ping'])
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

test('a drop that was not answered is sent again, before marks, and until then this node reads no tail', async () => {
  const { cache, guard } = createGuarded({ probeIntervalMs: 500 })
  const { generation = '' } = (await guard.open('a')) ?? {}
  await guard.fill('a', tailOf(1, 4, { generation }), 50)
  cache.before = (operation) => (operation === 'mark' || operation === 'drop' ? disconnect() : undefined)
  await guard.mark('a', MARK)
  expect(await guard.drop('a')).toBe(false)
  const [read] = (await guard.readEntries(['a'])) ?? []
  expect(read).toMatchObject({ register: { generation, marks: { '0': 5 } } })
  expect(read?.tail).toBeUndefined()
  expect((await guard.openEntry('a'))?.tail).toBeUndefined()
  expect((await cache.readEntries(['a']))[0]?.tail).toBeDefined()
  cache.before = () => {}
  cache.calls.length = 0
  await vi.advanceTimersByTimeAsync(500)
  expect(cache.calls).toEqual(['drop', 'mark'])
  const [stored] = await cache.readEntries(['a'])
  expect(stored?.tail).toBeUndefined()
  expect(stored?.register).toMatchObject({ epoch: 1, marks: { '0': 5 } })
  expect(stored?.register?.generation).not.toBe(generation)
  await guard.fill('a', tailOf(1, 5, { generation: stored?.register?.generation ?? '' }), 50)
  expect(await guard.readEntries(['a'])).toMatchObject([{ tail: { last: 5 } }])
})

test('a mark that is raised while it is sent is sent again', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500, faultsToSuspect: 1 })
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

test('writes of more conversations than may be kept are lost, and reported', async () => {
  const guarded = createGuarded({ probeIntervalMs: 500, maxUnsentWrites: 2 })
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
