import { expect, test } from 'vitest'
import { createTurns } from '../../../src/transport/bounds/turns.ts'

const LARGE = 262_145

test('work goes on in one turn until its time is over, and then in a later one', async () => {
  let clock = 0
  const turns = createTurns(10, () => clock)
  let isLater = false
  setImmediate(() => {
    isLater = true
  })
  expect(turns.next()).toBeUndefined()
  clock = 9
  expect(turns.next()).toBeUndefined()
  clock = 10
  await turns.next()
  expect(isLater).toBe(true)
})

test('a new turn has all of its time', async () => {
  let clock = 0
  const turns = createTurns(10, () => clock)
  void turns.next()
  clock = 10
  await new Promise(setImmediate)
  expect(turns.next()).toBeUndefined()
})

test('those who wait go first come, first served, as many in one turn as its time allows', async () => {
  let clock = 0
  const turns = createTurns(10, () => clock)
  void turns.next()
  clock = 10
  const order: string[] = []
  const waiting = ['a', 'b', 'c', 'd'].map(async (name) => {
    await turns.next()
    order.push(name)
    clock += 5
  })
  setImmediate(() => order.push('a turn'))
  await Promise.all(waiting)
  expect(order).toEqual(['a', 'b', 'a turn', 'c', 'd'])
})

test('large work is alone of its kind in a turn, and lets small work that came later go first', async () => {
  const turns = createTurns(10, () => 0)
  const order: string[] = []
  const work = [LARGE, LARGE, 0, LARGE, 0].map(async (bytes, index) => {
    await turns.next(bytes)
    order.push(`${bytes > 0 ? 'large' : 'small'} ${index}`)
  })
  // Behind the first that is let in after this turn.
  setImmediate(() => order.push('a turn'))
  await Promise.all(work)
  expect(order).toEqual(['large 0', 'small 2', 'small 4', 'large 1', 'a turn', 'large 3'])
})

test('large work has one of each turn, though small work fills them', async () => {
  let clock = 0
  const turns = createTurns(10, () => clock)
  const order: string[] = []
  void turns.next()
  clock = 10
  const ask = async (bytes: number) => {
    await turns.next(bytes)
    order.push(bytes > 0 ? 'large' : 'small')
    clock += 10
  }
  await Promise.all([LARGE, LARGE, 0, 0, 0].map(ask))
  expect(order).toEqual(['small', 'large', 'small', 'large', 'small'])
})
