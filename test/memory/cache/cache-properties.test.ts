import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import type { Cache, Fork, Register } from '../../../src/memory/cache/cache.ts'
import { createLocalCache } from '../../../src/memory/cache/local-cache.ts'
import { createRedisCache } from '../../../src/memory/cache/redis-cache.ts'
import { createRedis } from '../../../src/redis/redis-connection.ts'
import { appendedOf, SMALL_LIMITS, tailOf } from './cache-rows.ts'

let redisCache: Cache

beforeAll(async () => {
  const redis = createRedis({ urls: [inject('redisUrl')], commandTimeoutMs: 5_000, onError: () => {} })
  redisCache = createRedisCache(redis, SMALL_LIMITS)
  await vi.waitFor(() => redisCache.ping(), 60_000)
})

afterAll(() => redisCache.close())

type Step = (cache: Cache, id: string) => Promise<unknown>

/** Mostly the first: steps that have nothing to do with each other show little. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
}

const generation = mostly('g1', 'g2')
const branch = mostly('0', 'b1')
const epoch = mostly(0, 1, 2)
const sequence = fc.integer({ min: 0, max: 12 })
const forkPlaces = fc.uniqueArray(fc.integer({ min: 2, max: 13 }), { maxLength: 4 })
const span = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 5 }))

/** A step with its name, so that a failing sequence can be read. */
function step<T>(name: string, of: fc.Arbitrary<T>, take: (values: T) => Step): fc.Arbitrary<[string, Step]> {
  return of.map((values) => [`${name} ${JSON.stringify(values)}`, take(values)])
}

const steps = fc.oneof(
  step('open', generation, (made) => async (cache, id) => withoutTime(await cache.open(id, made))),
  step(
    'mark',
    fc.record({ epoch, branch, sequence, generation }),
    (values) => (cache, id) => cache.mark(id, values, values.generation),
  ),
  step(
    'confirm',
    fc.record({ epoch, branch, span }),
    ({ span: [first, more], ...place }) =>
      (cache, id) =>
        cache.confirm(id, appendedOf(first, first + more, place)),
  ),
  step(
    'fill',
    fc.record({
      epoch,
      branch,
      generation,
      life: mostly('life-1', 'life-2'),
      span,
      forkPlaces,
      ttl: mostly(50, undefined),
    }),
    ({ span: [first, more], forkPlaces: places, ttl, ...place }) =>
      (cache, id) =>
        cache.fill(id, tailOf(first, first + more - 1, { ...place, forks: forksWithin(places, first, more) }), ttl),
  ),
  step('openEntry', generation, (made) => async (cache, id) => withoutTime((await cache.openEntry(id, made)).register)),
  step('drop', generation, (made) => (cache, id) => cache.drop(id, made)),
)

test('any sequence of steps gives the same answers and the same entries on Redis and in process', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 20 }), async (sequence) => {
      const id = `property-${process.pid}-${++runs}`
      const localCache = createLocalCache({ ...SMALL_LIMITS, maxBytes: 1_000_000 }, Date.now)
      for (const [, take] of sequence) {
        const [onRedis, inProcess] = await Promise.all([take(redisCache, id), take(localCache, id)])
        expect(onRedis).toEqual(inProcess)
        expect(await entryOf(redisCache, id)).toEqual(await entryOf(localCache, id))
      }
      await redisCache.drop(id, 'end')
    }),
    { numRuns: 500 },
  )
})

/** A fork of another branch at each of the places that the rows of a tail have. */
function forksWithin(places: readonly number[], first: number, rows: number): Fork[] {
  const crossed = places.filter((place) => place > first && place <= first + rows)
  return crossed.sort((a, b) => b - a).map((belowSequence) => ({ branch: `p${belowSequence}`, belowSequence }))
}

/** The two have different clocks: of the time when the epoch rose only whether it did can be the same. */
function withoutTime(register: Register | undefined) {
  return register && { ...register, raisedAt: register.raisedAt > 0 }
}

async function entryOf(cache: Cache, id: string) {
  const [entry] = await cache.readEntries([id])
  return { register: withoutTime(entry?.register), tail: entry?.tail }
}
