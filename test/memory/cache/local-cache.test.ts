import { expect, test } from 'vitest'
import { createLocalCache } from '../../../src/memory/cache/local-cache.ts'
import { appendedOf, manyMarks, SMALL_LIMITS, tailOf } from './cache-rows.ts'
import { testCache } from './cache-suite.ts'

const shared = createLocalCache({ ...SMALL_LIMITS, maxBytes: 1_000_000 }, Date.now)
testCache('local', () => shared)

test('a tail dies when its whole fill says so, whatever joined it, and a register 60 seconds after its last use', async () => {
  let now = 1_000_000
  const cache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 1_000_000 }, () => now)
  await cache.open('a', 'g1')
  await cache.fill('a', tailOf(1, 2), 50)
  now += 40_000
  await cache.confirm('a', appendedOf(3, 3))
  now += 9_000
  await cache.fill('a', tailOf(1, 4), undefined)
  expect((await cache.readEntries(['a']))[0]?.tail).toEqual(tailOf(1, 4))
  now += 2_000
  expect((await cache.readEntries(['a']))[0]).toMatchObject({ register: { generation: 'g1' } })
  expect((await cache.readEntries(['a']))[0]?.tail).toBeUndefined()
  now += 157_000
  expect((await cache.readEntries(['a']))[0]?.register).toBeDefined()
  now += 2_000
  expect(await cache.readEntries(['a'])).toEqual([{}])
})

test('a drop takes nothing from the life of a register, and adds nothing', async () => {
  let now = 1_000_000
  const cache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 1_000_000 }, () => now)
  await cache.mark('a', { epoch: 0, branch: '0', sequence: 3 }, 'g1')
  now += 100_000
  await cache.drop('a', 'g2')
  now += 59_000
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { generation: 'g2', marks: { '0': 3 } } }])
  now += 2_000
  expect(await cache.readEntries(['a'])).toEqual([{}])
})

test('a register with marks of too many branches is forgotten', async () => {
  const cache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 10_000_000 }, Date.now)
  for (const branch of Object.keys(manyMarks())) await cache.mark('a', { epoch: 0, branch, sequence: 1 }, 'g1')
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { marks: manyMarks() } }])
  await cache.mark('a', { epoch: 0, branch: '0', sequence: 1 }, 'g2')
  expect(await cache.readEntries(['a'])).toEqual([{}])
  await cache.mark('a', { epoch: 0, branch: '0', sequence: 1 }, 'g2')
  expect(await cache.readEntries(['a'])).toMatchObject([{ register: { generation: 'g2', marks: { '0': 1 } } }])
})

test('memory is bounded: the tails used least recently go, the registers stay', async () => {
  const cache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 100_000 }, Date.now)
  const rows = `[1,"u",1,"${'x'.repeat(10_000)}"]`
  for (let index = 0; index < 10; index++) {
    await cache.open(`c${index}`, 'g1')
    await cache.fill(`c${index}`, tailOf(1, 1, { rows }), 50)
  }
  const entries = await cache.readEntries(Array.from({ length: 10 }, (_, index) => `c${index}`))
  expect(entries.filter(({ tail }) => tail).length).toBe(4)
  expect(entries.slice(6).every(({ tail }) => tail)).toBe(true)
  expect(entries.every(({ register }) => register)).toBe(true)
})

test('a tail that is larger than the whole cache is not kept, and harms no other', async () => {
  const cache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 10_000 }, Date.now)
  await cache.open('a', 'g1')
  await cache.open('b', 'g1')
  await cache.fill('a', tailOf(1, 3), 50)
  await cache.fill('b', tailOf(1, 1, { rows: `[1,"u",1,"${'x'.repeat(10_000)}"]` }), 50)
  const [a, b] = await cache.readEntries(['a', 'b'])
  expect(a?.tail).toEqual(tailOf(1, 3))
  expect(b).toMatchObject({ register: { generation: 'g1' } })
  expect(b?.tail).toBeUndefined()
})
