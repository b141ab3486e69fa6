import { expect, test } from 'vitest'
import { createTurns } from '../../../src/transport/bounds/turns.ts'

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
