import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Asker, createFairQueue } from '../../../src/memory/tokens/fair-queue.ts'

const asker = (ownerId: string, source = ''): Asker => ({ ownerId, source })

test('serves those who ask in turns, whoever asked for more', () => {
  const { push, takeAll } = startQueue()
  for (let index = 0; index < 4; index++) push('a', 10)
  push('b', 10)
  push('c', 10)
  expect(takeAll().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'a', 'a', 'a'])
})

test('lets what is short pass what is long, also of many others', () => {
  const { push, takeAll } = startQueue()
  for (const name of ['a', 'b', 'c', 'd']) for (let index = 0; index < 3; index++) push(name, 1_000)
  push('new', 10)
  expect(takeAll()[0]).toEqual({ name: 'new', cost: 10 })
})

test('shares among owners first, however many sources one of them has', () => {
  const queue = createFairQueue<string>()
  for (let index = 0; index < 6; index++) queue.push('many', 10, asker('many', `source ${index}`))
  for (let index = 0; index < 3; index++) queue.push('one', 10, asker('one'))
  const taken = Array.from({ length: 6 }, () => queue.shift())
  expect(taken.filter((name) => name === 'one')).toHaveLength(3)
})

test('keeps nothing waiting for ever while short ones of others come without end', () => {
  const { push, take } = startQueue()
  push('long', 1_000)
  const turns = Array.from({ length: 300 }, (_, turn) => {
    push(`short ${turn}`, 10)
    return take()?.name
  })
  expect(turns).toContain('long')
})

test('gives nobody more than his share and one thing while others wait, whatever is asked for', () => {
  const asks = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 50 }) }), {
    minLength: 1,
    maxLength: 60,
  })
  fc.assert(
    fc.property(asks, (asked) => {
      const { push, take, waiting } = startQueue()
      for (const { name, cost } of asked) push(name, cost)
      const served: Record<string, number> = { a: 0, b: 0, c: 0 }
      // As long as all three wait they were served alike, but for the thing that each is at.
      while (['a', 'b', 'c'].every((name) => waiting(name) > 0)) {
        const { name = '', cost = 0 } = take() ?? {}
        served[name] = (served[name] ?? 0) + cost
        const sums = Object.values(served)
        expect(Math.max(...sums) - Math.min(...sums)).toBeLessThanOrEqual(100)
      }
      let rest = 0
      while (take() !== undefined) rest += 1
      expect(rest).toBeLessThanOrEqual(asked.length)
    }),
  )
})

/** Each name is an owner. */
function startQueue() {
  const queue = createFairQueue<{ name: string; cost: number }>()
  const counts = new Map<string, number>()
  const push = (name: string, cost: number) => {
    counts.set(name, (counts.get(name) ?? 0) + 1)
    queue.push({ name, cost }, cost, asker(name))
  }
  const take = () => {
    const taken = queue.shift()
    if (taken) counts.set(taken.name, (counts.get(taken.name) ?? 0) - 1)
    return taken
  }
  const takeAll = () => {
    const all = []
    for (let taken = take(); taken !== undefined; taken = take()) all.push(taken)
    return all
  }
  return { push, take, takeAll, waiting: (name: string) => counts.get(name) ?? 0 }
}
